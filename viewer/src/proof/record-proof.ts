/** The proof of one record: C2SP tlog-proof text (https://c2sp.org/tlog-proof), or the JSON form of the API. */

import { type Bytes, equal, fromBase64, hex, textOf } from "./bytes.ts";
import { at, VerificationError } from "./errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { type JsonObject, members, parseObject } from "./json.ts";
import { leafHash, rootFromInclusion } from "./merkle.ts";
import { checkDigest, entryOf, refIdOf } from "./record-digest.ts";
import { openNote, type Trust, withoutNote } from "./signature-steps.ts";
import type { Checkpoint } from "./signed-notes.ts";
import { failed, ok, type Report, report, type Step, skipped, step } from "./steps.ts";

const TEXT =
  /^c2sp\.org\/tlog-proof@v1\n(?:extra ([^\n]*)\n)?index (0|[1-9][0-9]{0,18})\n((?:[^\s\x85]+\n)*)\n((?:[^\n]*\n)+)$/;

/** A proof whose checkpoint is not opened yet. `claimed`: the size and leaf entry that the JSON form states. */
export interface RecordProof {
  readonly index: bigint;
  readonly path: readonly Bytes[];
  readonly checkpoint: string;
  readonly claimed: { readonly size: bigint; readonly entry: Bytes } | null;
}

/** The proof in a file, of either form. Throws VerificationError. */
export function parseRecordProof(file: Uint8Array): RecordProof {
  const text = textOf(file);
  if (/^[ \t\n\r\v\f]*\{/.test(text)) return fromJson(parseObject(file));
  const [, extra, index, path, checkpoint] = TEXT.exec(text) ?? [];
  if (index === undefined || path === undefined || checkpoint === undefined) {
    throw new VerificationError("is neither a c2sp.org/tlog-proof@v1 nor its JSON form");
  }
  fromBase64(extra ?? "");
  return { index: BigInt(index), path: hashes(path.split("\n").slice(0, -1)), checkpoint, claimed: null };
}

function fromJson(object: JsonObject): RecordProof {
  const kinds = { index: "integer", path: "array", checkpoint: "string", size: "integer", leaf: "string" } as const;
  const { index, path, checkpoint, size, leaf } = members(object, kinds);
  return { index, path: hashes(path), checkpoint, claimed: { size, entry: fromBase64(leaf) } };
}

export function hashes(texts: readonly unknown[]): Bytes[] {
  return texts.map((text) => fromBase64(text, HASH_BYTES));
}

/** Verifies a record against its proof. `record` and `proof` are the bytes of the files, or of the API's answers. */
export async function verifyRecord(record: Uint8Array, proof: Uint8Array, trust: Trust): Promise<Report> {
  const found = parsed("record", () => parseObject(record));
  const proven = parsed("proof", () => parseRecordProof(proof));
  const head = proven.value
    ? await openNote(proven.value.checkpoint, trust)
    : withoutNote("The proof cannot be read, so there is no checkpoint.");
  const digest = await step("digest", () => digestStep(found));
  const changed = found.value !== undefined && digest.outcome === "failed";
  const place = await step("place", () => placeStep(found, proven, head.checkpoint, changed));
  return report("The record", [digest, place, head.signature, head.key]);
}

type Parsed<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: unknown };

function parsed<T>(file: "record" | "proof", parse: () => T): Parsed<T> {
  try {
    return { value: at({ file }, parse) };
  } catch (error) {
    return { error };
  }
}

function digestStep(record: Parsed<JsonObject>): Step {
  if (!record.value) throw record.error;
  const digest = at({ refId: refIdOf(record.value) }, () => checkDigest(record.value));
  return ok("digest", "Nothing in the record is other than when its digest was made.", [
    { label: "Digest", value: digest },
  ]);
}

function placeStep(
  record: Parsed<JsonObject>,
  proof: Parsed<RecordProof>,
  checkpoint: Checkpoint | null,
  changed: boolean,
): Step {
  if (!proof.value) throw proof.error;
  if (!record.value) return skipped("place", "The record cannot be read, so there is no leaf to look for.");
  if (!checkpoint) return skipped("place", "Without a checkpoint there is no root to compare with.");
  const { index, path } = proof.value;
  const details = [
    { label: "Index", value: String(index) },
    { label: "Log size", value: String(checkpoint.size) },
    { label: "Hashes", value: String(path.length) },
    { label: "Root", value: hex(checkpoint.root) },
  ];
  try {
    checkPlace(entryOf(record.value), proof.value, checkpoint);
  } catch (error) {
    return failed("place", error, { details });
  }
  const holds = `The log has exactly this record's leaf at index ${index}, among ${checkpoint.size}.`;
  const other = `The log has the digest that this record bears at index ${index}: it was made of other content.`;
  return ok("place", changed ? other : holds, details);
}

function checkPlace(entry: Bytes, { index, path, claimed }: RecordProof, { size, root }: Checkpoint): void {
  const claims = !claimed || (claimed.size === size && equal(claimed.entry, entry));
  if (index < 0n || index >= size || !claims) {
    throw new VerificationError("the proof's index, size or leaf is not that of its checkpoint and this record");
  }
  if (!equal(rootFromInclusion(index, size, leafHash(entry), path), root)) {
    throw new VerificationError("the log has no such record at this index");
  }
}
