/** The line between the bars and the list: how many, and what can be done with them. */
import { type Density, density, zone } from "../state/preferences.ts";
import { Menu } from "../ui/parts.tsx";
import { rowTime } from "../ui/time.ts";
import { csv, download, ndjson } from "./export.ts";
import { filteredHere } from "./filters.ts";
import { titleOf } from "./kinds.ts";
import { change, search, view } from "./store.ts";

export function Summary() {
  const total = search.total.value;
  const here = filteredHere(view.value.kind, view.value.filters);
  return (
    <div class="summary">
      <span aria-live="polite">
        {total && (
          <>
            <b>
              {total.about && "about "}
              {total.count.toLocaleString("en")}
            </b>{" "}
            {total.count === 1 ? "record" : "records"}
          </>
        )}
      </span>
      {here.length > 0 && (
        <span class="note">
          {here.map((filter) => titleOf(filter.field)).join(", ")} filtered in this page; bars and count are of all
        </span>
      )}
      <span class="actions">
        <Columns />
        <Look />
        <Export />
      </span>
    </div>
  );
}

function Columns() {
  const { kind, columns } = view.value;
  const toggle = (column: string) => {
    const chosen = columns.includes(column) ? columns.filter((other) => other !== column) : [...columns, column];
    change({ columns: chosen.length ? chosen : kind.columns }, true);
  };
  return (
    <Menu label="Columns" title="Which columns are shown">
      <div class="choices two">
        {kind.listed.map((column) => (
          <label key={column}>
            <input type="checkbox" checked={columns.includes(column)} onChange={() => toggle(column)} />{" "}
            {titleOf(column)}
          </label>
        ))}
      </div>
      <button type="button" class="link" onClick={() => change({ columns: kind.columns }, true)}>
        The usual columns
      </button>
    </Menu>
  );
}

function Look() {
  return (
    <Menu label="Look" title="Wrapping and height of rows">
      <div class="choices">
        <label>
          <input type="checkbox" checked={view.value.wrap} onChange={() => change({ wrap: !view.peek().wrap }, true)} />{" "}
          Wrap long lines
        </label>
        {(["compact", "normal", "roomy"] as readonly Density[]).map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="density"
              checked={density.value === choice}
              onChange={() => {
                density.value = choice;
              }}
            />{" "}
            {choice === "compact" ? "Dense rows" : choice === "normal" ? "Usual rows" : "Roomy rows"}
          </label>
        ))}
      </div>
    </Menu>
  );
}

function Export() {
  const rows = search.rows.value;
  const { kind, columns } = view.value;
  const name = `chancery-${kind.id}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`;
  const oldest = rows.at(-1);
  return (
    <Menu label="Export these" title="Save the rows that are shown as a file">
      <p class="note">
        The {rows.length.toLocaleString("en")} rows that are loaded
        {oldest &&
          search.state.value !== "end" &&
          `, back to ${rowTime(new Date(oldest.createdOn), new Date(), zone.value)}; scroll on for more`}
        .
      </p>
      <div class="choices">
        <button
          type="button"
          disabled={!rows.length}
          onClick={() => download(`${name}.ndjson`, "application/x-ndjson", ndjson(rows))}
        >
          NDJSON, each row whole
        </button>
        <button
          type="button"
          disabled={!rows.length}
          onClick={() => download(`${name}.csv`, "text/csv", csv(rows, columns))}
        >
          CSV, with these columns
        </button>
      </div>
    </Menu>
  );
}
