/** The rows of a search, without end. */
import { useCallback } from "preact/hooks";
import { density, ROW_HEIGHT, zone } from "../state/preferences.ts";
import { Waiting } from "../ui/parts.tsx";
import { oneLine } from "../ui/text.ts";
import { fullTime, rowTime } from "../ui/time.ts";
import { VirtualList } from "../ui/virtual-list.tsx";
import { cellOf, gravityOf, type Row, titleOf } from "./kinds.ts";
import { at, atTop, change, openRow, search, view } from "./store.ts";

const WIDTHS: Readonly<Record<string, string>> = {
  createdOn: "154px",
  actor: "minmax(90px, 150px)",
  action: "minmax(120px, 210px)",
  level: "56px",
  method: "64px",
  statusCode: "64px",
  durationMs: "80px",
  what: "minmax(180px, 1fr)",
  message: "minmax(180px, 1fr)",
  description: "minmax(180px, 1fr)",
};

export function Table() {
  const { columns, wrap, open } = view.value;
  const rows = search.rows.value;
  const more = useCallback(() => void search.more(), []);
  const scrolled = useCallback((top: number) => {
    atTop.value = top < 10;
  }, []);
  const template = columns.map((column) => WIDTHS[column] ?? "minmax(90px, 180px)").join(" ");
  const now = new Date();
  return (
    <>
      <div
        class={`table ${wrap ? "wrap" : ""} ${rows.length ? "" : "bare"}`}
        role="table"
        aria-label="Records"
        aria-rowcount={rows.length + 1}
        style={{ "--columns": template }}
      >
        <div class="row head" role="row">
          {columns.map((column) => (
            <span key={column} role="columnheader">
              {titleOf(column)}
            </span>
          ))}
        </div>
        {rows.length > 0 && (
          <VirtualList
            count={rows.length}
            rowHeight={ROW_HEIGHT[density.value]}
            measured={wrap}
            label="Records"
            at={at.value}
            keyOf={(index) => rows[index]?.refId ?? String(index)}
            onEnd={more}
            onScroll={scrolled}
            row={(index) => {
              const row = rows[index];
              return (
                row && (
                  <Line
                    row={row}
                    index={index}
                    columns={columns}
                    now={now}
                    isOpen={row.refId === open}
                    isAt={index === at.value}
                  />
                )
              );
            }}
          />
        )}
      </div>
      <Foot />
    </>
  );
}

interface LineProps {
  readonly row: Row;
  readonly index: number;
  readonly columns: readonly string[];
  readonly now: Date;
  readonly isOpen: boolean;
  readonly isAt: boolean;
}

function Line({ row, index, columns, now, isOpen, isAt }: LineProps) {
  const state = `row ${gravityOf(row)} ${isOpen ? "on" : ""} ${isAt ? "at" : ""}`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j, k and Enter do the same, from anywhere on the page
    <div class={state} role="row" aria-rowindex={index + 2} aria-current={isOpen} onClick={() => openRow(index)}>
      {columns.map((column) => (
        <Cell key={column} row={row} column={column} now={now} />
      ))}
    </div>
  );
}

function Cell({ row, column, now }: { readonly row: Row; readonly column: string; readonly now: Date }) {
  const value = cellOf(row, column);
  if (column === "createdOn" || column === "recordedOn") {
    const moment = new Date(String(value));
    return (
      <time role="cell" dateTime={String(value)} title={fullTime(moment, zone.value)}>
        {rowTime(moment, now, zone.value)}
      </time>
    );
  }
  const text = oneLine(value, 1000);
  if (column === "action") {
    const dot = text.indexOf(".") + 1;
    return (
      <span role="cell" class="mono" title={text}>
        {text.slice(0, dot)}
        <b>{text.slice(dot)}</b>
      </span>
    );
  }
  const mono = typeof value === "number" || /Id$|^(level|endpoint|method|fingerprint|digest|refId)$/.test(column);
  return (
    <span role="cell" class={mono ? `mono ${column}` : column} dir="auto">
      <bdi>{text}</bdi>
    </span>
  );
}

function Foot() {
  const rows = search.rows.value;
  const state = search.state.value;
  const looked = search.lookedTo.value;
  const { filters, words, kind } = view.value;
  if (state === "loading") return rows.length ? null : <Waiting>Searching…</Waiting>;
  if (state === "more" && search.stalled.value && looked) {
    return (
      <p class="empty">
        Looked back to {rowTime(new Date(looked), new Date(), zone.value)} and found {rows.length}.{" "}
        <button type="button" onClick={() => void search.more()}>
          Look further
        </button>
      </p>
    );
  }
  if (rows.length || search.problem.value) return null;
  const narrowed = filters.length > 0 || words !== "";
  return (
    <div class="empty">
      <p>{narrowed ? "Nothing in this time passes these filters." : "Nothing was recorded in this time."}</p>
      <p>
        {narrowed && (
          <button type="button" onClick={() => change({ filters: [], words: "" })}>
            Remove all filters
          </button>
        )}{" "}
        <button type="button" onClick={() => change({ range: { last: kind.id === "audit" ? "3y" : "90d" } })}>
          Search {kind.id === "audit" ? "three years" : "90 days"}
        </button>
      </p>
    </div>
  );
}
