/** The lines around a line of its kind. */
import { useState } from "preact/hooks";
import { get } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/problems.ts";
import { zone } from "../state/preferences.ts";
import { ProblemNote } from "../ui/parts.tsx";
import { oneLine } from "../ui/text.ts";
import { rowTime } from "../ui/time.ts";
import { cellOf, type Kind, type Row } from "./kinds.ts";
import { change } from "./store.ts";

interface Around {
  readonly before: readonly Row[];
  readonly line: Row;
  readonly after: readonly Row[];
}

export function Context({
  kind,
  refId,
  tenant,
}: {
  readonly kind: Kind;
  readonly refId: string;
  readonly tenant: string;
}) {
  const [around, setAround] = useState<Around | null>(null);
  const [problem, setProblem] = useState<ApiError | null>(null);
  const read = () => {
    get<Around>(`${kind.path}/${encodeURIComponent(refId)}/context`, {
      before: 10,
      after: 10,
      tenantId: tenant || undefined,
    }).then(setAround, (error) => setProblem(asApiError(error)));
  };
  return (
    <section>
      <h3>Lines around it</h3>
      {problem && <ProblemNote problem={problem} retry={read} />}
      {!around && (
        <button type="button" onClick={read}>
          Show ten before and after
        </button>
      )}
      {around && (
        <ol class="context">
          {[...around.before, around.line, ...around.after].map((row) => (
            <li key={row.refId} class={row.refId === refId ? "on" : ""}>
              <button type="button" aria-current={row.refId === refId} onClick={() => change({ open: row.refId })}>
                <time>{rowTime(new Date(row.createdOn), new Date(), zone.value)}</time>{" "}
                <span class="mono">{String(row.level ?? "")}</span> <bdi>{oneLine(cellOf(row, "what"), 200)}</bdi>
              </button>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
