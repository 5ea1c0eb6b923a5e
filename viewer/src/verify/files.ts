/** The files that a user has dropped: which is what, and what can be verified with them. */

import { textOf } from "../proof/bytes.ts";
import { verifyConsistency } from "../proof/consistency.ts";
import { expected, VerificationError } from "../proof/errors.ts";
import { FORMAT as EXPORT_PROOF } from "../proof/export-proof.ts";
import { verifyExport } from "../proof/export-steps.ts";
import { type JsonObject, parseObject } from "../proof/json.ts";
import { LineReader, type Progress, pieces } from "../proof/lines.ts";
import { FORMAT as MANIFEST } from "../proof/manifest.ts";
import { verifyRecord } from "../proof/record-proof.ts";
import type { Trust } from "../proof/signature-steps.ts";
import { parseCheckpoint, parseVerifierKey } from "../proof/signed-notes.ts";
import type { Report } from "../proof/steps.ts";
import { isCompressed } from "../proof/zstandard.ts";

export const ROLES = {
  records: "records",
  recordProof: "proof of a record",
  exportProof: "proof of an export",
  archiveProof: "proof of an archive",
  manifest: "manifest of an archive",
  checkpoint: "checkpoint",
  consistency: "consistency proof",
  key: "verifier key",
  unknown: "not known",
} as const;

export type Role = keyof typeof ROLES;

export interface GivenFile {
  readonly file: File;
  readonly role: Role;
}

const LARGEST_WHOLE = 2 ** 26; // bytes of a file that is not lines
const PROOFS: readonly Role[] = ["recordProof", "exportProof", "archiveProof"];

/** What a file is, by its content; by its name where the content does not say. */
export async function roleOf(file: File): Promise<Role> {
  if (await isCompressed(file)) return "records";
  const text = new TextDecoder().decode(await file.slice(0, 4096).arrayBuffer());
  if (text.startsWith("c2sp.org/tlog-proof@")) return "recordProof";
  if (!text.trimStart().startsWith("{")) return roleOfText(text) ?? roleByName(file.name);
  const object = (await firstLine(file)) ?? (await whole(file));
  return (object && roleOfObject(object)) ?? roleByName(file.name);
}

function roleOfText(text: string): Role | null {
  if (holds(() => parseVerifierKey(text))) return "key";
  return holds(() => parseCheckpoint(text)) ? "checkpoint" : null;
}

function roleOfObject(object: JsonObject): Role | null {
  if (object.get("format") === EXPORT_PROOF) return object.get("sha256") === null ? "archiveProof" : "exportProof";
  if (object.get("format") === MANIFEST) return "manifest";
  if (object.has("leaf") && object.has("path")) return "recordProof";
  if (object.has("from") && object.has("to") && object.has("path")) return "consistency";
  return object.has("refId") || object.has("digest") ? "records" : null;
}

function roleByName(name: string): Role {
  if (name.endsWith(".tlog-proof")) return "recordProof";
  if (name.endsWith(".proof")) return "exportProof";
  return /\.(nd)?json(\.zst)?$/.test(name) ? "records" : "unknown";
}

async function firstLine(file: File): Promise<JsonObject | null> {
  const reader = new LineReader(pieces(file));
  try {
    const line = await reader.next();
    return line && parseObject(line);
  } catch (error) {
    expected(error);
    return null;
  } finally {
    await reader.close();
  }
}

async function whole(file: File): Promise<JsonObject | null> {
  if (file.size > LARGEST_WHOLE) return null;
  const bytes = await bytesOf(file);
  let object: JsonObject | null = null;
  return holds(() => {
    object = parseObject(bytes);
  })
    ? object
    : null;
}

/** The files with a new one: it replaces the one of its role, or the other proof; of checkpoints two are held. */
export function withFile(files: readonly GivenFile[], given: GivenFile): readonly GivenFile[] {
  const same = files.filter(({ role }) => kindOf(role) === kindOf(given.role));
  const others = files.filter((file) => !same.includes(file));
  return [...others, ...(given.role === "checkpoint" ? same.slice(-1) : []), given];
}

function kindOf(role: Role): string {
  return PROOFS.includes(role) ? "proof" : role;
}

/** What is missing before anything can be verified; null where nothing is. */
export function missing(files: readonly GivenFile[]): string | null {
  const has = (role: Role) => files.some((given) => given.role === role);
  const checkpoints = files.filter(({ role }) => role === "checkpoint").length;
  if (has("records") && PROOFS.some(has)) return null;
  if (checkpoints === 2) return null;
  if (has("recordProof")) return "Now drop the record: the JSON that the API gives for it.";
  if (has("exportProof")) return "Now drop the export: the .ndjson file that the proof is for.";
  if (has("archiveProof")) return "Now drop the archive: the .ndjson.zst file that the proof is for.";
  if (has("manifest")) return "Now drop the archive, the .ndjson.zst file, and its .proof.";
  if (has("records")) return "Now drop the proof: the .proof file of an export, or the .tlog-proof of a record.";
  if (checkpoints === 1 || has("consistency")) return "Now drop the older and the newer checkpoint of the log.";
  return null;
}

/** Whether the files are enough to verify something. */
export function complete(files: readonly GivenFile[]): boolean {
  return missing(files) === null && files.some(({ role }) => role === "records" || role === "checkpoint");
}

/** How many bytes of the files are read to verify them. */
export function totalBytes(files: readonly GivenFile[]): number {
  return files.reduce((sum, { file, role }) => sum + (role === "records" || PROOFS.includes(role) ? file.size : 0), 0);
}

/** Verifies files that are `complete`. `leafless`: how many records of an archive may be older than the log. */
export async function verifyFiles(
  files: readonly GivenFile[],
  trust: Trust,
  leafless: number,
  progress: Progress,
): Promise<Report> {
  const of = (role: Role) => files.find((given) => given.role === role)?.file;
  const [records, recordProof, proof] = [of("records"), of("recordProof"), of("exportProof") ?? of("archiveProof")];
  if (records && proof) {
    const about = of("archiveProof") && of("manifest");
    const manifest = about && (await bytesOf(about));
    return verifyExport({ records, proof, manifest, leafless }, trust, progress);
  }
  if (records && recordProof) return verifyRecord(await bytesOf(records), await bytesOf(recordProof), trust);
  return verifyCheckpoints(files, of("consistency"), trust);
}

async function verifyCheckpoints(files: readonly GivenFile[], proof: File | undefined, trust: Trust): Promise<Report> {
  const notes = await Promise.all(files.filter(({ role }) => role === "checkpoint").map(({ file }) => bytesOf(file)));
  const [older, newer] = notes.sort((one, other) => (sizeOf(one) < sizeOf(other) ? -1 : 1));
  if (!older || !newer) throw new VerificationError("two checkpoints are needed");
  return verifyConsistency(older, newer, proof ? await bytesOf(proof) : null, trust);
}

function sizeOf(note: Uint8Array): bigint {
  return parseCheckpoint(textOf(note)).size;
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

function holds(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    expected(error);
    return false;
  }
}
