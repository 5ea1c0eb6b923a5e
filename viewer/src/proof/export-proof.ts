/**
 * The export proof: JSON lines that lead each record of an export, or of an archived month, to a signed checkpoint.
 *
 *     {"format": "chancery-export-proof@v1", "checkpoint": note, "records": count, "sha256": hash of the export}
 *     {"level": 1, "number": 0, "hashes": base64}     every tile above the leaves, level by level, ascending
 *     {"level": 0, "number": 7, "hashes": base64}     each tile with the leaf of a record, and the last if it is partial
 *     {"positions": [1, 7, ...]}                      the index in the log of each record, up to 1,000 a line
 *
 * In the proof of an archived month `sha256` is null, and so is the position of a record without a leaf.
 */

import { fromBase64 } from "./bytes.ts";
import { at, located, VerificationError } from "./errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { type JsonObject, members, parseObject } from "./json.ts";
import { LineReader, type Progress, pieces } from "./lines.ts";
import { type ProofTile, TILE_WIDTH } from "./proof-tiles.ts";

export const FORMAT = "chancery-export-proof@v1";
const MOST_POSITIONS = 1000; // of a line
const HIGHEST_LEVEL = 7;

/** The first line of a proof. `sha256`: of the export in hex, null for an archived month. */
export interface ProofHead {
  readonly checkpoint: string;
  readonly records: bigint;
  readonly sha256: string | null;
}

/** Reads a proof in order: `head`, then all of `tiles`, then `position` after `position`. Throws VerificationError. */
export class ExportProofReader {
  private readonly lines: LineReader;
  private current: JsonObject | null = null; // the first line of positions, once the tiles are read
  private batch: readonly (number | null)[] = [];
  private next = 0;
  private archived = false;

  constructor(file: Blob, progress?: Progress) {
    this.lines = new LineReader(pieces(file, progress));
  }

  /** The first line; whether it is the proof of an archived month follows from it. */
  async head(): Promise<ProofHead> {
    const object = (await this.object()) ?? new Map();
    return at(this.place(), () => {
      this.archived = object.get("sha256") === null;
      const hash = this.archived ? ("null" as const) : ("string" as const);
      const kinds = { format: "string", checkpoint: "string", records: "integer", sha256: hash } as const;
      const { format, ...head } = members(object, kinds);
      if (format !== FORMAT) throw new VerificationError(`is not the first line of a ${FORMAT}`);
      return head;
    });
  }

  /** The tiles, which are those of a log of `size` leaves, in ascending order of the file. */
  async *tiles(size: bigint): AsyncGenerator<ProofTile> {
    let previous = -1;
    for (let object = await this.object(); object; object = await this.object()) {
      if (object.has("positions")) {
        this.current = object;
        return;
      }
      const tile = at(this.place(), () => parseTile(object as JsonObject, size, this.lines.number));
      const rank = (tile.level || HIGHEST_LEVEL + 1) * 2 ** 40 + tile.number; // level 0 comes last
      if (rank <= previous) throw new VerificationError("is a tile out of order", this.place());
      previous = rank;
      yield tile;
    }
  }

  /** The index in the log of the next record: null for one without a leaf, undefined after the last. */
  async position(size: bigint): Promise<number | null | undefined> {
    while (this.next === this.batch.length) {
      const object = this.current ?? (await this.object());
      if (!object) return undefined;
      this.current = null;
      this.batch = at(this.place(), () => this.positionsOf(object, size));
      this.next = 0;
    }
    return this.batch[this.next++];
  }

  /** Ends the reading of the file. */
  close(): Promise<void> {
    return this.lines.close();
  }

  private positionsOf(object: JsonObject, size: bigint): (number | null)[] {
    const { positions } = members(object, { positions: "array" });
    const known = positions.every((index) =>
      index === null ? this.archived : typeof index === "bigint" && index >= 0n && index < size,
    );
    if (!known || positions.length > MOST_POSITIONS) {
      throw new VerificationError(`must have at most ${MOST_POSITIONS} positions, each from 0 to ${size - 1n}`);
    }
    return positions.map((index) => (index === null ? null : Number(index)));
  }

  private async object(): Promise<JsonObject | null> {
    try {
      const line = await this.lines.next();
      if (line && line.at(-1) !== 10) throw new VerificationError("is cut off");
      return line && parseObject(line);
    } catch (error) {
      throw located(error, this.place());
    }
  }

  private place(): { file: "proof"; line: number } {
    return { file: "proof", line: Math.max(this.lines.number, 1) };
  }
}

function parseTile(object: JsonObject, size: bigint, line: number): ProofTile {
  const { level, number, hashes } = members(object, { level: "integer", number: "integer", hashes: "string" });
  const width = level < 0n || level > HIGHEST_LEVEL ? 0n : (size >> (8n * level)) - BigInt(TILE_WIDTH) * number;
  if (number < 0n || width < 1n) {
    throw new VerificationError(`a log of size ${size} has no tile ${number} of level ${level}`);
  }
  const bytes = fromBase64(hashes, HASH_BYTES * Math.min(TILE_WIDTH, Number(width)));
  return { level: Number(level), number: Number(number), bytes, line };
}
