/** The hashes of a log that a proof has as tiles (https://c2sp.org/tlog-tiles), used only as far as they are the log's. */

import { equal } from "./bytes.ts";
import { VerificationError } from "./errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { breathe } from "./lines.ts";
import { nodeHash, rootOf, split } from "./merkle.ts";

export const TILE_WIDTH = 256;

/** A tile of a proof, with the line that it is in. `bytes`: its hashes, one after the other. */
export interface ProofTile {
  readonly level: number;
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly line: number;
}

/** The tiles of a proof about a log. */
export class ProofTiles {
  private readonly size: bigint;
  private readonly rows = new Map<number, Uint8Array[]>(); // level → hashes, above the leaves
  private readonly leaves = new Map<number, ProofTile>(); // number → full tile of level 0
  private partial: Uint8Array[] = []; // hashes of the tile of level 0 that is not full

  constructor(size: bigint) {
    this.size = size;
  }

  add(tile: ProofTile): void {
    const hashes = split(tile.bytes);
    if (tile.level > 0) {
      this.rows.set(tile.level, this.row(tile.level));
      this.row(tile.level).push(...hashes);
    } else if (hashes.length < TILE_WIDTH) this.partial = hashes;
    else this.leaves.set(tile.number, tile);
  }

  /** Checks that no tile is missing, and that all are of the log with this root. Throws VerificationError. */
  async check(root: Uint8Array): Promise<void> {
    const width = BigInt(TILE_WIDTH);
    const upper = this.row(1);
    if (BigInt(upper.length) !== this.size / width || BigInt(this.partial.length) !== this.size % width) {
      throw new VerificationError("tiles are missing", { file: "proof" });
    }
    if (!equal(rootOfLog(upper, this.partial), root)) {
      throw new VerificationError("the tiles do not lead to the root of the checkpoint", { file: "proof" });
    }
    await this.checkUpperLevels();
    for (const tile of this.leaves.values()) {
      await breathe();
      const above = upper[tile.number];
      if (!above || !equal(rootOf(split(tile.bytes)), above)) {
        const what = `tile ${tile.number} of level 0 is not that of the log`;
        throw new VerificationError(what, { file: "proof", line: tile.line });
      }
    }
  }

  /** The leaf hash at an index. Throws VerificationError where the proof lacks its tile. */
  leaf(index: number): Uint8Array {
    const number = Math.floor(index / TILE_WIDTH);
    const place = index % TILE_WIDTH;
    const partial = BigInt(number) === this.size / BigInt(TILE_WIDTH) ? this.partial[place] : undefined;
    const found = partial ?? this.leaves.get(number)?.bytes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
    if (!found) throw new VerificationError(`the proof has no tile ${number} of level 0`);
    return found;
  }

  private async checkUpperLevels(): Promise<void> {
    for (let level = 1; level <= Math.max(1, ...this.rows.keys()); level++) {
      const row = this.row(level);
      const above = this.row(level + 1);
      const full = Math.floor(row.length / TILE_WIDTH);
      for (let at = 0; at < full; at++) {
        await breathe();
        const expected = above[at];
        const root = rootOf(row.slice(at * TILE_WIDTH, (at + 1) * TILE_WIDTH));
        if (!expected || !equal(root, expected)) throw mismatch(level);
      }
      if (above.length !== full) throw mismatch(level);
    }
  }

  private row(level: number): Uint8Array[] {
    return this.rows.get(level) ?? [];
  }
}

function mismatch(level: number): VerificationError {
  return new VerificationError(`the tiles of level ${level + 1} do not go with those of level ${level}`, {
    file: "proof",
  });
}

/** The root of a log: `upper` are the roots over 256 leaves each, `last` fewer than 256 hashes of leaves. */
function rootOfLog(upper: readonly Uint8Array[], last: readonly Uint8Array[]): Uint8Array {
  if (!upper.length || !last.length) return rootOf(upper.length ? upper : last);
  const middle = 2 ** Math.floor(Math.log2(upper.length));
  return nodeHash(rootOf(upper.slice(0, middle)), rootOfLog(upper.slice(middle), last));
}
