/** Files of the archive are Zstandard frames (RFC 8878), one after the other. */

import { Decompress } from "fzstd";
import { VerificationError } from "./errors.ts";
import { type Progress, pieces } from "./lines.ts";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]; // section 3.1.1
const INPUT = 1024; // bytes at a time, of which at most 32 MB come: blocks of 128 KB take four each

/** Whether a file is compressed. */
export async function isCompressed(file: Blob): Promise<boolean> {
  const start = new Uint8Array(await file.slice(0, MAGIC.length).arrayBuffer());
  return MAGIC.every((byte, at) => start[at] === byte);
}

/** The bytes of a file in pieces, decompressed where it is compressed. Throws VerificationError. */
export async function* contentOf(file: Blob, progress?: Progress): AsyncGenerator<Uint8Array> {
  const source = pieces(file, progress);
  if (await isCompressed(file)) yield* decompressed(source);
  else yield* source;
}

async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let found: Uint8Array[] = [];
  const stream = new Decompress((piece) => void found.push(piece));
  for await (const piece of source) {
    for (let at = 0; at < piece.length; at += INPUT) {
      push(stream, piece.slice(at, at + INPUT), false);
      yield* found;
      found = [];
    }
  }
  push(stream, new Uint8Array(), true);
  yield* found;
}

function push(stream: Decompress, piece: Uint8Array, last: boolean): void {
  try {
    stream.push(piece, last);
  } catch {
    throw new VerificationError("is cut off or damaged: it cannot be decompressed");
  }
}
