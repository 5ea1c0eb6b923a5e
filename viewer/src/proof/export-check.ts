/** An export, or an archived month, against its proof: each line is the record that the log has at its position. */

import { equal, hex } from "./bytes.ts";
import { expected, located, type Place, VerificationError } from "./errors.ts";
import type { ExportProofReader, ProofHead } from "./export-proof.ts";
import { runningHash } from "./hash.ts";
import { type JsonObject, parseObject } from "./json.ts";
import { breathe, lineBatches, type Progress } from "./lines.ts";
import { type Manifest, ManifestCheck } from "./manifest.ts";
import { leafHash } from "./merkle.ts";
import type { ProofTiles } from "./proof-tiles.ts";
import { checkDigest, entryOf, refIdOf } from "./record-digest.ts";
import { contentOf } from "./zstandard.ts";

export type FileKind = "export" | "archive";

/** Where the check of the records ended. `sealed`: those with a leaf. */
export interface CheckedRecords {
  readonly count: number;
  readonly sealed: number;
  readonly sha256: string;
  readonly failure: { readonly step: "digests" | "places" | "manifest"; readonly error: VerificationError } | null;
}

/** Compares the lines of a file, one by one, with the log, of which the tiles are checked; up to the first mismatch. */
export class RecordLines {
  private readonly seen: Uint8Array; // a bit for each index
  private readonly hash = runningHash();
  private readonly kind: FileKind;
  private readonly proof: ExportProofReader;
  private readonly tiles: ProofTiles;
  private readonly size: bigint;
  private readonly manifest: ManifestCheck | null;
  private count = 0;
  private sealed = 0;
  private step: "digests" | "places" | "manifest" = "digests";

  constructor(proof: ExportProofReader, tiles: ProofTiles, size: bigint, kind: FileKind, manifest: Manifest | null) {
    this.kind = kind;
    this.proof = proof;
    this.tiles = tiles;
    this.size = size;
    this.seen = new Uint8Array(Number(size / 8n) + 1);
    this.manifest = manifest && new ManifestCheck(manifest);
  }

  async check(file: Blob, head: ProofHead, progress?: Progress): Promise<CheckedRecords> {
    let failure: CheckedRecords["failure"] = null;
    try {
      for await (const lines of lineBatches(contentOf(file, progress))) {
        for (const line of lines) await this.take(line);
        await breathe();
      }
      await this.finish(head);
    } catch (error) {
      failure = { step: this.step, error: expected(located(error, { file: this.kind })) };
    }
    return { count: this.count, sealed: this.sealed, sha256: hex(this.hash.digest()), failure };
  }

  private async take(line: Uint8Array): Promise<void> {
    this.step = "places";
    const position = await this.proof.position(this.size);
    const place = { file: this.kind, line: this.count + 1, index: position ?? undefined };
    if (position === undefined) throw new VerificationError("the proof has no position for this line", place);
    const record = this.located(place, "digests", () => parseObject(line));
    const named = { ...place, refId: refIdOf(record) };
    const leaf = this.located(named, "digests", () => verified(record));
    if (position !== null) this.located(named, "places", () => this.comparePlace(position, leaf));
    this.located(named, "manifest", () => this.manifest?.take(record, leaf, position, line.length));
    this.hash.update(line);
    this.count++;
  }

  private comparePlace(index: number, leaf: Uint8Array): void {
    const [at, bit] = [Math.floor(index / 8), 1 << (index % 8)];
    const bits = this.seen[at] ?? 0;
    if (bits & bit) throw new VerificationError("the proof gives this index to an earlier line, too");
    this.seen[at] = bits | bit;
    if (!equal(this.tiles.leaf(index), leaf)) throw new VerificationError("the log has another record at this index");
    this.sealed++;
  }

  private async finish(head: ProofHead): Promise<void> {
    this.step = "places";
    const missing = await this.proof.position(this.size);
    if (missing !== undefined) {
      const place = { file: this.kind, line: this.count + 1, index: missing ?? undefined };
      throw new VerificationError("the record is missing", place);
    }
    this.located({}, "manifest", () => this.manifest?.finish(head.checkpoint));
  }

  private located<T>(place: Place, step: typeof this.step, check: () => T): T {
    this.step = step;
    try {
      return check();
    } catch (error) {
      throw located(error, place);
    }
  }
}

/** The leaf hash of a record that has the digest which it bears. */
function verified(record: JsonObject): Uint8Array {
  checkDigest(record);
  return leafHash(entryOf(record));
}
