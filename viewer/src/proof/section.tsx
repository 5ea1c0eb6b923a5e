/** The proof of the record in the details pane: fetched, verified in this browser, and shown step by step. */
import { useEffect, useState } from "preact/hooks";
import { getText } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/problems.ts";
import { ProblemNote, Waiting } from "../ui/parts.tsx";
import { utf8 } from "./bytes.ts";
import { pinnedFor, pinnedKeys } from "./pinned-keys.ts";
import { Pins } from "./pins.tsx";
import { verifyRecord } from "./record-proof.ts";
import { ReportView } from "./report.tsx";
import type { Trust } from "./signature-steps.ts";
import { parseVerifierKey } from "./signed-notes.ts";
import type { Report } from "./steps.ts";

const NOT_SEALED = "not-yet-sealed"; // the problem's type
const LONGEST_WAIT = 30_000; // milliseconds between two questions for a proof
const MOST_QUESTIONS = 10; // three minutes: after that the record does not wait for a checkpoint

export interface ProofProps {
  /** The record's JSON as the API has answered it: a proof is about exactly this. */
  readonly text: string;
  readonly refId: string;
  readonly tenantId: string | null;
}

type State = "fetching" | "unsealed" | "never sealed" | { readonly report: Report } | { readonly problem: ApiError };

export function ProofSection({ text, refId, tenantId }: ProofProps) {
  const [state, setState] = useState<State>("fetching");
  const [attempt, setAttempt] = useState(0);
  const pins = pinnedKeys.value;
  useEffect(() => {
    const cancel = new AbortController();
    void follow({ text, refId, tenantId }, cancel.signal, setState);
    return () => cancel.abort();
  }, [text, refId, tenantId, pins, attempt]);
  return (
    <section class="proof" aria-label="Proof">
      <h3>
        Proof, checked in this browser <Seal state={state} />
      </h3>
      <div role="status" aria-live="polite">
        <Result state={state} retry={() => setAttempt(attempt + 1)} />
      </div>
      <details>
        <summary>Pinned keys</summary>
        <Pins />
      </details>
    </section>
  );
}

function Seal({ state }: { readonly state: State }) {
  if (state === "unsealed") return <span class="seal wait">○ not sealed yet</span>;
  if (state === "never sealed") return <span class="seal wait">○ not sealed</span>;
  const sealed = typeof state === "object" && "report" in state && state.report.verdict !== "failed";
  return sealed ? <span class="seal">● sealed</span> : null;
}

function Result({ state, retry }: { readonly state: State; readonly retry: () => void }) {
  if (state === "fetching") return <Waiting>Fetching the proof…</Waiting>;
  if (state === "unsealed") {
    return (
      <p class="note">
        The record is stored, and gets its place in the log with the next checkpoint, usually within two seconds. Its
        proof appears here then.
      </p>
    );
  }
  if (state === "never sealed") {
    return (
      <p class="note">
        The record has no place in the log. It may be older than the log, or sealing is behind: those who run Chancery
        can tell.{" "}
        <button type="button" class="link" onClick={retry}>
          Ask again
        </button>
      </p>
    );
  }
  if ("problem" in state) return <ProblemNote problem={state.problem} retry={retry} />;
  return <ReportView report={state.report} />;
}

/** Fetches and verifies the proof; asks again, at growing intervals, while the record is not sealed. */
async function follow(props: ProofProps, signal: AbortSignal, show: (state: State) => void): Promise<void> {
  for (let question = 0; question < MOST_QUESTIONS && !signal.aborted; question++) {
    try {
      const report = await verified(props, signal);
      if (!signal.aborted) show({ report });
      return;
    } catch (error) {
      if (signal.aborted) return;
      const problem = asApiError(error);
      if (problem.type !== NOT_SEALED) return show({ problem });
      show("unsealed");
      await new Promise((resume) => setTimeout(resume, Math.min(1000 * 2 ** question, LONGEST_WAIT)));
    }
  }
  if (!signal.aborted) show("never sealed");
}

async function verified({ text, refId, tenantId }: ProofProps, signal: AbortSignal): Promise<Report> {
  const query = { tenantId: tenantId ?? undefined };
  const [proof, vkey] = await Promise.all([
    getText(`/audit-logs/${encodeURIComponent(refId)}/proof`, query, signal),
    getText("/audit-verifier-key", query, signal),
  ]);
  return verifyRecord(utf8(text), utf8(proof), trustIn(vkey));
}

/** The pinned keys of the log whose key the server names; that key itself where none is pinned. */
function trustIn(vkey: string): Trust {
  const offered = parseVerifierKey(vkey);
  const pinned = pinnedFor(offered.name);
  return pinned.length ? { keys: pinned, pinned: true } : { keys: [offered], pinned: false };
}
