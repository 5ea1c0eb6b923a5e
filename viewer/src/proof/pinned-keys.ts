/** The verifier keys that the user has pinned: in memory, and in the browser's storage where they wish so. */

import { signal } from "@preact/signals";
import { expected } from "./errors.ts";
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from "./signed-notes.ts";

/** `pinnedOn`: RFC 3339. `remembered`: it is in the browser's storage. */
export interface PinnedKey {
  readonly key: VerifierKey;
  readonly pinnedOn: string;
  readonly remembered: boolean;
}

interface StoredKey {
  readonly vkey: string;
  readonly pinnedOn: string;
}

const STORED = "chancery.pinned-keys";

export const pinnedKeys = signal<readonly PinnedKey[]>(read());

/** Pins the key in a vkey; one that is pinned already is replaced. Throws VerificationError where it is none. */
export function pin(vkey: string, remembered: boolean): void {
  const key = parseVerifierKey(vkey);
  write([...others(key), { key, pinnedOn: new Date().toISOString(), remembered }]);
}

export function unpin(key: VerifierKey): void {
  write(others(key));
}

/** The pinned keys of a log. During the rotation of a signing key there may be two. */
export function pinnedFor(logName: string): readonly VerifierKey[] {
  return pinnedKeys.value.map(({ key }) => key).filter(({ name }) => name === logName);
}

function others(key: VerifierKey): readonly PinnedKey[] {
  const vkey = formatVerifierKey(key);
  return pinnedKeys.peek().filter((pinned) => formatVerifierKey(pinned.key) !== vkey);
}

function write(keys: readonly PinnedKey[]): void {
  pinnedKeys.value = keys;
  const stored: StoredKey[] = keys
    .filter(({ remembered }) => remembered)
    .map(({ key, pinnedOn }) => ({ vkey: formatVerifierKey(key), pinnedOn }));
  if (stored.length) localStorage.setItem(STORED, JSON.stringify(stored));
  else localStorage.removeItem(STORED);
}

/** What is stored; what is malformed is left out. */
function read(): PinnedKey[] {
  let stored: unknown;
  try {
    stored = JSON.parse(localStorage.getItem(STORED) ?? "[]");
  } catch {
    return [];
  }
  return Array.isArray(stored) ? stored.flatMap(pinnedOf) : [];
}

function pinnedOf(stored: Partial<StoredKey> | null): PinnedKey[] {
  try {
    const key = parseVerifierKey(String(stored?.vkey));
    return [{ key, pinnedOn: String(stored?.pinnedOn), remembered: true }];
  } catch (error) {
    expected(error);
    return [];
  }
}
