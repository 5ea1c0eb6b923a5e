/** SHA-256. WebCrypto's is asynchronous and takes no stream, so a record of ten hashes would wait ten times. */

import { sha256 as noble } from "@noble/hashes/sha2.js";
import type { Bytes } from "./bytes.ts";

export const HASH_BYTES = 32;

export interface RunningHash {
  update(data: Uint8Array): void;
  digest(): Bytes;
}

/** The SHA-256 of parts, one after the other. */
export function sha256(...parts: Uint8Array[]): Bytes {
  const hash = runningHash();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** A SHA-256 of what comes in pieces. */
export function runningHash(): RunningHash {
  const hash = noble.create();
  return {
    update: (data) => void hash.update(data),
    digest: () => hash.digest() as Bytes,
  };
}
