/** Merkle trees as RFC 6962 section 2.1 defines them: hashes, roots, inclusion and consistency proofs. */

import type { Bytes } from "./bytes.ts";
import { VerificationError } from "./errors.ts";
import { HASH_BYTES, sha256 } from "./hash.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of a leaf: SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Bytes {
  return sha256(LEAF, entry);
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return sha256(NODE, left, right);
}

/** The root over hashes of perfect trees of one height; over leaf hashes this is the Merkle Tree Hash. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) row = paired(row);
  return row[0] ?? sha256();
}

/** The next higher level. An odd one out stays: so the split is at the largest power of two, from the bottom up. */
function paired(row: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < row.length; at += 2) {
    const left = row[at] as Uint8Array;
    const right = row[at + 1];
    above.push(right ? nodeHash(left, right) : left);
  }
  return above;
}

/** The hashes of a tile, one by one. */
export function split(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / HASH_BYTES }, (_, at) =>
    tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}

/** The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2). Throws VerificationError at a wrong length. */
export function rootFromInclusion(
  index: bigint,
  size: bigint,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Uint8Array {
  const sides = inclusionSides(index, size);
  checkLength(path, sides.length);
  return path.reduce((hash, other, at) => (sides[at] === "left" ? nodeHash(other, hash) : nodeHash(hash, other)), leaf);
}

type Side = "left" | "right"; // of the way from the leaf up, on which a hash of the path stands

/** On which side each hash of an inclusion proof stands, from the leaf up (PATH of RFC 6962 section 2.1.1). */
function inclusionSides(index: bigint, size: bigint): Side[] {
  const sides: Side[] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const middle = start + largestPowerBelow(end - start);
    sides.unshift(index < middle ? "right" : "left");
    if (index < middle) end = middle;
    else start = middle;
  }
  return sides;
}

/**
 * The roots of the trees of `old` and `now` leaves that a consistency proof leads to (RFC 9162 section 2.1.4.2).
 * Throws VerificationError at a wrong length, and unless 0 < old <= now.
 */
export function rootsFromConsistency(
  old: bigint,
  now: bigint,
  oldRoot: Uint8Array,
  path: readonly Uint8Array[],
): [Uint8Array, Uint8Array] {
  if (old <= 0n || old > now)
    throw new VerificationError(`no proof leads from a log of ${old} records to one of ${now}`);
  const { sides, whole } = consistencySides(old, now);
  checkLength(path, sides.length + (whole ? 0 : 1));
  // Where the old tree is no whole subtree of the new one, the proof begins with the last part of the old tree.
  const [first, parts] = whole ? [oldRoot, path] : [path[0] as Uint8Array, path.slice(1)];
  let [older, newer] = [first, first];
  parts.forEach((part, at) => {
    if (sides[at] === "left") older = nodeHash(part, older);
    newer = sides[at] === "left" ? nodeHash(part, newer) : nodeHash(newer, part);
  });
  return [older, newer];
}

/** The sides of a consistency proof (PROOF of RFC 6962 section 2.1.2), and whether the old tree is a whole subtree. */
function consistencySides(old: bigint, now: bigint): { sides: Side[]; whole: boolean } {
  const sides: Side[] = [];
  let [start, end, whole] = [0n, now, true];
  while (old !== end) {
    const middle = start + largestPowerBelow(end - start);
    sides.unshift(old <= middle ? "right" : "left");
    if (old <= middle) end = middle;
    else [start, whole] = [middle, false];
  }
  return { sides, whole };
}

function checkLength(path: readonly Uint8Array[], length: number): void {
  if (path.length !== length) {
    throw new VerificationError(`the proof has ${path.length} hashes where ${length} should be`);
  }
}

/** The largest power of two below `size`, which is 2 or more. */
function largestPowerBelow(size: bigint): bigint {
  return 1n << BigInt((size - 1n).toString(2).length - 1);
}

/** A growing tree, held as the roots of its perfect subtrees from left to right. */
export class CompactRange {
  size = 0;
  private readonly hashes: Uint8Array[] = [];

  append(leaf: Uint8Array): void {
    let hash = leaf;
    for (let size = this.size; size % 2 === 1; size = Math.floor(size / 2)) {
      hash = nodeHash(this.hashes.pop() as Uint8Array, hash);
    }
    this.hashes.push(hash);
    this.size++;
  }

  root(): Uint8Array {
    return this.hashes.length ? this.hashes.reduceRight((right, left) => nodeHash(left, right)) : sha256();
  }
}
