/** The lines of a file, in pieces of any size, and time for the page between them. */

import { concat } from "./bytes.ts";
import { VerificationError } from "./errors.ts";

const LONGEST = 2 ** 26; // bytes; a record has at most 16 MB, and JSON escapes
const TURN = 30; // milliseconds of work before the page has its turn

/** Called with the bytes that were read of all files. */
export type Progress = (bytes: number) => void;

/** The bytes of a file in pieces. */
export async function* pieces(file: Blob, progress?: Progress): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      progress?.(part.value.length);
      yield part.value;
    }
  } finally {
    await reader.cancel();
  }
}

/** The lines in pieces of a file, several at a time, each with its newline; the last without one where it has none. */
export async function* lineBatches(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let rest: Uint8Array[] = [];
  let waiting = 0; // bytes of the rest
  for await (const piece of source) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
      lines.push(concat(...rest, piece.subarray(start, end + 1)));
      [rest, waiting, start] = [[], 0, end + 1];
    }
    rest.push(piece.subarray(start));
    waiting += piece.length - start;
    if (waiting > LONGEST) throw new VerificationError("has a line that is longer than any record");
    yield lines;
  }
  if (waiting) yield [concat(...rest)];
}

/** Lines one by one, with the number of the line that was read last. */
export class LineReader {
  number = 0;
  private readonly batches: AsyncGenerator<Uint8Array[]>;
  private batch: Uint8Array[] = [];
  private at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.batches = lineBatches(source);
  }

  /** The next line, null after the last. */
  async next(): Promise<Uint8Array | null> {
    while (this.at === this.batch.length) {
      const { value, done } = await this.batches.next();
      if (done) return null;
      [this.batch, this.at] = [value, 0];
    }
    this.number++;
    return this.batch[this.at++] as Uint8Array;
  }

  /** Ends the reading of the file. */
  async close(): Promise<void> {
    await this.batches.return(undefined);
  }
}

let turnEnds = 0;

/** Lets the page draw and answer, where the work has taken long since the last time. */
export async function breathe(): Promise<void> {
  const now = performance.now();
  if (now < turnEnds) return;
  await new Promise((resume) => setTimeout(resume));
  turnEnds = performance.now() + TURN;
}
