/** The verification of an export, or of an archived month, as steps. */

import { at, VerificationError } from "./errors.ts";
import { type CheckedRecords, RecordLines } from "./export-check.ts";
import { ExportProofReader, type ProofHead } from "./export-proof.ts";
import type { Progress } from "./lines.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { ProofTiles } from "./proof-tiles.ts";
import { openNote, type SignedHead, type Trust, withoutNote } from "./signature-steps.ts";
import { failed, ok, type Report, report, type Step, skipped, step } from "./steps.ts";

/** Files to verify. `manifest`: the bytes of an archive's; `leafless`: how many records may be older than the log. */
export interface ExportFiles {
  readonly records: Blob; // NDJSON, plain or in Zstandard frames
  readonly proof: Blob;
  readonly manifest?: Uint8Array | undefined;
  readonly leafless?: number | undefined;
}

/** Verifies each record of a file in its order, up to the first mismatch. */
export async function verifyExport(files: ExportFiles, trust: Trust, progress?: Progress): Promise<Report> {
  const proof = new ExportProofReader(files.proof, progress);
  try {
    return await verify(files, proof, trust, progress);
  } finally {
    await proof.close();
  }
}

async function verify(
  files: ExportFiles,
  proof: ExportProofReader,
  trust: Trust,
  progress?: Progress,
): Promise<Report> {
  let head: ProofHead;
  try {
    head = await proof.head();
  } catch (error) {
    const why = "The proof cannot be read.";
    return unread("The export", failed("tiles", error), withoutNote(why), why);
  }
  const what = head.sha256 === null ? "The archive" : "The export";
  const note = await openNote(head.checkpoint, trust, { file: "proof", line: 1 });
  if (!note.checkpoint) {
    const why = "Without a checkpoint there is no root to compare with.";
    return unread(what, skipped("tiles", why), note, why);
  }
  const { size, root } = note.checkpoint;
  const tiles = new ProofTiles(size);
  const tilesStep = await step("tiles", async () => {
    for await (const tile of proof.tiles(size)) tiles.add(tile);
    await tiles.check(root);
    return ok("tiles", "Every hash that the records are compared with is one that the log's root commits to.");
  });
  if (tilesStep.outcome !== "ok") return unread(what, tilesStep, note, "The hashes of the proof are not the log's.");
  const manifest = readManifest(files.manifest);
  const lines = new RecordLines(proof, tiles, size, head.sha256 === null ? "archive" : "export", manifest.value);
  const checked = await lines.check(files.records, head, progress);
  const ends = manifest.step ? [manifest.step] : manifestSteps(checked, manifest.value);
  const steps = [...recordSteps(checked), fileStep(checked, head, files.leafless ?? 0), ...ends, tilesStep];
  return report(what, [...steps, note.signature, note.key], scope(checked, size));
}

/** The report where no record was compared. */
function unread(what: string, tiles: Step, note: SignedHead, why: string): Report {
  const records = (["digests", "places", "file"] as const).map((id) => skipped(id, why));
  return report(what, [...records, tiles, note.signature, note.key]);
}

function recordSteps({ count, sealed, failure }: CheckedRecords): Step[] {
  const details = [{ label: "Records", value: String(count) }];
  const until = `The check ended after ${count} records.`;
  const digests = "Nothing in any record is other than when its digest was made.";
  const places = `The log has exactly these ${sealed} leaves at these indexes.`;
  return [
    failure?.step === "digests" ? failed("digests", failure.error) : ok("digests", failure ? until : digests, details),
    failure?.step === "places" ? failed("places", failure.error) : ok("places", failure ? until : places, details),
  ];
}

function fileStep({ count, sealed, sha256, failure }: CheckedRecords, head: ProofHead, leafless: number): Step {
  if (failure) return skipped("file", "The check ended before the end of the file.");
  const details = [
    { label: "Records", value: String(count) },
    { label: "SHA-256", value: sha256 },
  ];
  const problem = problemOf();
  if (problem) return failed("file", new VerificationError(problem), { details });
  const without = count - sealed;
  const older = `${without} records have no leaf in the log: only their digests were checked, the key says nothing of them.`;
  return ok("file", without ? older : "No record was added or left out since the file was written.", details);

  function problemOf(): string | null {
    if (BigInt(count) !== head.records) return `its ${count} records hold, but the proof is for ${head.records}`;
    if (head.sha256 !== null && head.sha256 !== sha256) return "its records hold, but its SHA-256 is another";
    if (count - sealed > leafless)
      return `${count - sealed} records have no leaf in the log, and ${leafless} are allowed`;
    return null;
  }
}

function readManifest(file: Uint8Array | undefined): { value: Manifest | null; step?: Step } {
  if (!file) return { value: null };
  try {
    return { value: at({ file: "manifest" }, () => parseManifest(file)) };
  } catch (error) {
    return { value: null, step: failed("manifest", error) };
  }
}

function manifestSteps({ failure }: CheckedRecords, manifest: Manifest | null): Step[] {
  if (!manifest) return [];
  if (failure?.step === "manifest") return [failed("manifest", failure.error)];
  if (failure) return [skipped("manifest", "The check ended before the end of the file.")];
  const details = [
    { label: "Tenant", value: manifest.tenantId ?? "platform" },
    { label: "Month", value: manifest.month },
    { label: "Content root", value: manifest.contentRoot },
  ];
  return [
    ok("manifest", "These are the records that were archived for this month, all of them and in their order.", details),
  ];
}

function scope({ sealed }: CheckedRecords, size: bigint): string {
  const missing = size - BigInt(sealed);
  return missing ? `It leaves out ${missing} records of the log.` : "It has every record of the log.";
}
