/** A verification as people read it: steps, each with what was checked and what that means, and one verdict. */

import { expected, type Place } from "./errors.ts";

export type Outcome = "ok" | "failed" | "skipped";

export interface Detail {
  readonly label: string;
  readonly value: string;
}

export interface Step {
  readonly id: StepId;
  readonly title: string;
  readonly checked: string; // what is compared with what
  readonly meaning: string; // of this outcome
  readonly outcome: Outcome;
  readonly details: readonly Detail[];
}

/**
 * - `holds`: every step is ok, with a key that was pinned.
 * - `consistent`: no step failed, but the key is not pinned, so it is not known who signed.
 * - `unsigned`: no step failed, but there was no key to verify the signature with.
 * - `failed`: a step failed.
 */
export type Verdict = "holds" | "consistent" | "unsigned" | "failed";

export interface Report {
  readonly verdict: Verdict;
  readonly summary: string;
  readonly steps: readonly Step[];
}

const STEPS = {
  digest: {
    title: "The record's digest",
    checked: "SHA-256 of the record's canonical form (RFC 8785), each salted field as a hash, equals its digest.",
  },
  place: {
    title: "Its place in the log",
    checked: "The hashes of the proof lead from the record's leaf to the root of the checkpoint (RFC 6962).",
  },
  signature: {
    title: "The checkpoint's signature",
    checked: "The log's name, size and root are signed with Ed25519 by the log's key (C2SP tlog-checkpoint).",
  },
  key: {
    title: "The key is the one you pinned",
    checked: "The signature is of a key that you pinned, not of one that came with the answer.",
  },
  tiles: {
    title: "The log's hashes",
    checked: "The tiles of the proof are those of the log: they lead to the root of the checkpoint.",
  },
  digests: {
    title: "The digest of each record",
    checked: "SHA-256 of each record's canonical form (RFC 8785) equals the digest that it bears.",
  },
  places: {
    title: "The place of each record in the log",
    checked: "The log has each record's leaf at the index that the proof names, each index once.",
  },
  file: {
    title: "The whole file",
    checked: "The file has as many records as the proof states, and the same SHA-256.",
  },
  manifest: {
    title: "The manifest",
    checked: "Count, order, month, tenant and content root of the records are those of the manifest.",
  },
  consistency: {
    title: "The newer log continues the older",
    checked: "The hashes of the proof lead to the roots of both checkpoints (RFC 6962).",
  },
} as const;

export type StepId = keyof typeof STEPS;

export function ok(id: StepId, meaning: string, details: readonly Detail[] = []): Step {
  return { id, ...STEPS[id], meaning, outcome: "ok", details };
}

export function skipped(id: StepId, meaning: string, details: readonly Detail[] = []): Step {
  return { id, ...STEPS[id], meaning, outcome: "skipped", details };
}

interface Failure {
  readonly place?: Place; // where the mismatch is, as far as the error does not say
  readonly details?: readonly Detail[];
}

/** A failed step, with the place of the mismatch among its details. Throws what is no VerificationError. */
export function failed(id: StepId, error: unknown, { place, details = [] }: Failure = {}): Step {
  const { what, place: own } = expected(error);
  const all = [...placed({ ...place, ...own }), ...details];
  return { id, ...STEPS[id], meaning: sentence(what), outcome: "failed", details: all };
}

/** Runs a check: the step that it returns, or the failed step. */
export async function step(id: StepId, check: () => Step | Promise<Step>, failure: Failure = {}): Promise<Step> {
  try {
    return await check();
  } catch (error) {
    return failed(id, error, failure);
  }
}

/** The verdict about steps. `what` was verified, as the beginning of a sentence: "The record", "The export". */
export function report(what: string, steps: readonly Step[], addition = ""): Report {
  const verdict = verdictOf(steps);
  const sentences = {
    holds: `${what} holds: nothing has changed since it was sealed.`,
    consistent: `${what} is unchanged under the key that this server names. Pin the log's key to know who signed.`,
    unsigned: `${what} is in itself consistent, but no signature was verified: give the log's key.`,
    failed: `${what} does not hold. What failed: ${titles(steps)}.`,
  };
  return { verdict, summary: sentences[verdict] + (addition && verdict !== "failed" ? ` ${addition}` : ""), steps };
}

function verdictOf(steps: readonly Step[]): Verdict {
  const outcomes = new Map(steps.map(({ id, outcome }) => [id, outcome]));
  if (steps.some(({ outcome }) => outcome === "failed")) return "failed";
  if (outcomes.get("signature") !== "ok") return "unsigned";
  return outcomes.get("key") === "ok" ? "holds" : "consistent";
}

function titles(steps: readonly Step[]): string {
  return steps
    .filter(({ outcome }) => outcome === "failed")
    .map(({ title }) => title)
    .join("; ");
}

function placed(place: Place): Detail[] {
  const found = [
    ["File", place.file],
    ["Line", place.line],
    ["Index in the log", place.index],
    ["refId", place.refId],
  ] as const;
  return found.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value: String(value) }]));
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
