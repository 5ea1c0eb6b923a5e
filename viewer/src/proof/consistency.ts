/** The consistency proof: the log of one checkpoint is the beginning of that of another. */

import { equal, textOf } from "./bytes.ts";
import { VerificationError } from "./errors.ts";
import { sha256 } from "./hash.ts";
import { members, parseObject } from "./json.ts";
import { rootsFromConsistency } from "./merkle.ts";
import { hashes } from "./record-proof.ts";
import { openNote, type Trust } from "./signature-steps.ts";
import { type Checkpoint, parseCheckpoint, sameHead } from "./signed-notes.ts";
import { ok, type Report, report, type Step, skipped, step } from "./steps.ts";

/**
 * Verifies that the newer log begins with the older one. `proof`: the answer of GET /v1/audit-consistency, `{from, to,
 * path, checkpoint}`; null where both have the same size, or the older is empty.
 */
export async function verifyConsistency(
  older: Uint8Array,
  newer: Uint8Array,
  proof: Uint8Array | null,
  trust: Trust,
): Promise<Report> {
  const heads = await Promise.all([older, newer].map((note) => openNote(textOf(note), trust)));
  const [before, after] = heads.map(({ checkpoint }) => checkpoint);
  const continues = await step("consistency", () =>
    before && after ? compare(before, after, proof) : skipped("consistency", "A checkpoint cannot be read."),
  );
  return report("The log", [continues, ...heads.flatMap(({ signature, key }) => [signature, key])]);
}

function compare(older: Checkpoint, newer: Checkpoint, proof: Uint8Array | null): Step {
  if (older.origin !== newer.origin)
    throw new VerificationError(`they are of two logs, ${older.origin} and ${newer.origin}`);
  if (newer.size < older.size) {
    throw new VerificationError(`the log has shrunk: it had ${older.size} records, and now ${newer.size}`);
  }
  const path = proof ? parsePath(proof, older, newer) : [];
  const [before, after] = older.size
    ? rootsFromConsistency(older.size, newer.size, older.root, path)
    : [sha256(), newer.root];
  if (!equal(before, older.root) || !equal(after, newer.root)) {
    throw new VerificationError(`the log of ${newer.size} records is not a continuation of that of ${older.size}`);
  }
  const meaning = `The first ${older.size} of ${newer.size} records are those of the older checkpoint, in the same order.`;
  return ok("consistency", meaning);
}

function parsePath(proof: Uint8Array, older: Checkpoint, newer: Checkpoint): Uint8Array[] {
  const object = parseObject(proof);
  const note = object.get("checkpoint") === null ? ("null" as const) : ("string" as const);
  const kinds = { from: "integer", to: "integer", path: "array", checkpoint: note } as const;
  const { from, to, path, checkpoint } = members(object, kinds);
  if (from !== older.size || to !== newer.size) {
    throw new VerificationError(`it is a proof from ${from} to ${to}, not from ${older.size} to ${newer.size}`);
  }
  if (checkpoint !== null && !sameHead(parseCheckpoint(checkpoint), newer)) {
    throw new VerificationError("its checkpoint is not the newer one");
  }
  return hashes(path);
}
