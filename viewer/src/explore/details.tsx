/** One record, whole: its main facts, what changed, everything as a tree, and for a log line those around it. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { getText } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/problems.ts";
import type { ProofProps } from "../proof/section.tsx";
import { zone } from "../state/preferences.ts";
import { diffLines } from "../ui/diff.ts";
import { lazy } from "../ui/lazy.tsx";
import { CopyButton, ProblemNote, Waiting } from "../ui/parts.tsx";
import { oneLine } from "../ui/text.ts";
import { ago, fullTime } from "../ui/time.ts";
import { Tree } from "../ui/tree.tsx";
import { Context } from "./context.tsx";
import { canFilter } from "./filters.ts";
import { AUDIT, cellOf, type Kind, type Row } from "./kinds.ts";
import { addFilter, change } from "./store.ts";

interface Props {
  readonly kind: Kind;
  readonly refId: string;
  readonly tenant: string;
}

export function Details({ kind, refId, tenant }: Props) {
  const [text, setText] = useState<string | null>(null);
  const [problem, setProblem] = useState<ApiError | null>(null);
  useEffect(() => {
    const cancel = new AbortController();
    getText(`${kind.path}/${encodeURIComponent(refId)}`, { tenantId: tenant || undefined }, cancel.signal).then(
      setText,
      (error) => {
        if (!cancel.signal.aborted) setProblem(asApiError(error));
      },
    );
    return () => cancel.abort();
  }, [kind, refId, tenant]);
  const record = useMemo(() => text && (JSON.parse(text) as Row), [text]);
  return (
    <aside class="details" aria-label="Record">
      <div class="details-top">
        <button type="button" class="close" title="Close (Esc)" onClick={() => change({ open: "" })}>
          Close
        </button>
        {record && <Heading record={record} kind={kind} />}
      </div>
      <div class="details-body">
        {problem && <ProblemNote problem={problem} />}
        {!record && !problem && <Waiting>Reading the record…</Waiting>}
        {text && record && <Body record={record} text={text} kind={kind} tenant={tenant} />}
      </div>
    </aside>
  );
}

function Heading({ record, kind }: { readonly record: Row; readonly kind: Kind }) {
  const title = kind === AUDIT ? record.action : (record.eventType ?? record.level ?? record.feature ?? kind.label);
  return (
    <>
      <h2 dir="auto">
        <bdi>{oneLine(title, 200)}</bdi>
      </h2>
      <p>
        <bdi>{oneLine(cellOf(record, "what"), 300)}</bdi> · {ago(new Date(record.createdOn), new Date())}
      </p>
    </>
  );
}

interface BodyProps {
  readonly record: Row;
  /** The record as the API has answered it. */
  readonly text: string;
  readonly kind: Kind;
  readonly tenant: string;
}

function Body({ record, text, kind, tenant }: BodyProps) {
  return (
    <>
      <p class="details-actions">
        <CopyButton text={JSON.stringify(record)}>Copy as JSON</CopyButton>
        <CopyButton text={location.href}>Copy link</CopyButton>
        {typeof record.traceId === "string" && (
          <button
            type="button"
            class="link"
            onClick={() => addFilter({ field: "traceId", value: record.traceId as string, not: false })}
          >
            Same trace
          </button>
        )}
      </p>
      <dl>
        <dt>Happened</dt>
        <dd>{fullTime(new Date(record.createdOn), zone.value)}</dd>
        {typeof record.recordedOn === "string" && (
          <>
            <dt>Recorded</dt>
            <dd>{fullTime(new Date(record.recordedOn), zone.value)}</dd>
          </>
        )}
      </dl>
      {(record.before !== undefined || record.after !== undefined) && (
        <Changed before={record.before} after={record.after} />
      )}
      {kind === AUDIT && <Proof text={text} refId={record.refId} tenantId={tenantOf(record)} />}
      {kind !== AUDIT && <Context kind={kind} refId={record.refId} tenant={tenant} />}
      <section>
        <h3>Record</h3>
        <Tree value={record} actions={(path, value) => <PlusMinus kind={kind} path={path} value={value} />} />
      </section>
    </>
  );
}

const Proof = lazy<ProofProps>(async () => (await import("../proof/section.tsx")).ProofSection);

function tenantOf(record: Row): string | null {
  return typeof record.tenantId === "string" ? record.tenantId : null;
}

function PlusMinus({ kind, path, value }: { readonly kind: Kind; readonly path: string; readonly value: unknown }) {
  const text = value === null ? "" : String(value);
  if (!text || text.length > 512 || !canFilter(kind, path) || path === "createdOn") return null;
  return (
    <span class="plus-minus">
      <button
        type="button"
        title={`Only ${path} like this`}
        onClick={() => addFilter({ field: path, value: text, not: false })}
      >
        <span aria-hidden="true">+</span>
        <span class="hidden">Only records with this {path}</span>
      </button>
      <button
        type="button"
        title={`Without ${path} like this`}
        onClick={() => addFilter({ field: path, value: text, not: true })}
      >
        <span aria-hidden="true">−</span>
        <span class="hidden">Leave out records with this {path}</span>
      </button>
    </span>
  );
}

const MOST_LINES = 200;

function Changed({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const [most, setMost] = useState(MOST_LINES);
  const lines = diffLines(before, after);
  const words = { "+": "added", "-": "removed", " ": "unchanged" } as const;
  return (
    <section>
      <h3>Changed</h3>
      <div class="diff">
        {lines.slice(0, most).map((line) => (
          <div key={`${line.sign}${line.path}`} class={words[line.sign]}>
            <span aria-hidden="true">{line.sign === "-" ? "−" : line.sign}</span>
            <span>
              <span class="hidden">{words[line.sign]} </span>
              <bdi>{oneLine(line.path, 200)}</bdi>: <bdi>{line.value}</bdi>
            </span>
          </div>
        ))}
      </div>
      {lines.length > most && (
        <button type="button" class="link" onClick={() => setMost(most + MOST_LINES)}>
          {(lines.length - most).toLocaleString("en")} more lines
        </button>
      )}
    </section>
  );
}
