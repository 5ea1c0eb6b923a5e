/**
 * C2SP texts: checkpoints (https://c2sp.org/tlog-checkpoint), which are signed notes, and verifier keys
 * (https://c2sp.org/signed-note).
 */

import { type Bytes, base64, concat, equal, fromBase64, hex, utf8 } from "./bytes.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { VerificationError } from "./errors.ts";
import { HASH_BYTES, sha256 } from "./hash.ts";

const ED25519 = 1; // signature type
// White space as Python, in which the independent verifier is written, has it; no note has its control characters.
const WORD = "[^\\s\\x1c-\\x1f\\x85]+";
const NOTE = new RegExp(
  `^((${WORD})\\n(0|[1-9][0-9]{0,18})\\n(${WORD})\\n(?:[^\\n]+\\n)*)\\n((?:— ${WORD} ${WORD}\\n)+)$`,
);
const SIGNATURE = new RegExp(`— (${WORD}) (${WORD})\\n`, "g");
const VKEY = new RegExp(`^([^+\\s\\x1c-\\x1f\\x85]+)\\+([0-9a-f]{8})\\+(${WORD})$`);
const CONTROL = /[\x00-\x09\x0b-\x1f]/;

/** An Ed25519 key under a name, which is the origin of the log that it signs for. `id` in hex. */
export interface VerifierKey {
  readonly name: string;
  readonly id: string;
  readonly publicKey: Bytes;
}

/** The key in a vkey, `<name>+<hex key id>+<base64>`. Throws VerificationError. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = VKEY.exec(text.trim()) ?? [];
  if (name === undefined || id === undefined) {
    throw new VerificationError("is not a verifier key, which looks like <name>+<key id>+<base64>");
  }
  const key = fromBase64(encoded, 33);
  if (key[0] !== ED25519) throw new VerificationError("is a verifier key, but not of Ed25519");
  if (hex(sha256(utf8(`${name}\n`), key)).slice(0, 8) !== id) {
    throw new VerificationError("is a verifier key whose id is not that of its name and key");
  }
  return { name, id, publicKey: key.slice(1) };
}

/** The vkey of a key. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${key.id}+${base64(concat(Uint8Array.of(ED25519), key.publicKey))}`;
}

/** A key with its id, as vkeys and signatures name it. */
export function nameOf(key: VerifierKey): string {
  return `${key.name}+${key.id}`;
}

/** A tree head: the log's origin, how many leaves, their root; with its signatures, not verified yet. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
  readonly text: string; // what is signed
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: string; // hex
  readonly bytes: Bytes;
}

/** The checkpoint in a signed note, of which no signature is verified. Throws VerificationError. */
export function parseCheckpoint(note: string): Checkpoint {
  const [, text, origin, size, root, signatures] = NOTE.exec(note) ?? [];
  if (text === undefined || origin === undefined || size === undefined || CONTROL.test(note)) {
    throw new VerificationError("the checkpoint is malformed");
  }
  return {
    origin,
    size: BigInt(size),
    root: fromBase64(root, HASH_BYTES),
    text,
    signatures: [...(signatures as string).matchAll(SIGNATURE)].map(([, name, encoded]) => {
      const bytes = fromBase64(encoded);
      return { name: name as string, keyId: hex(bytes.subarray(0, 4)), bytes: bytes.slice(4) };
    }),
  };
}

/** Whether a checkpoint has a signature under the key's name and id. */
export function isSignedUnder(checkpoint: Checkpoint, key: VerifierKey): boolean {
  return checkpoint.origin === key.name && signaturesOf(checkpoint, key).length > 0;
}

/** Whether every signature of the key, of which there is one or more, holds. */
export async function isSignedBy(checkpoint: Checkpoint, key: VerifierKey): Promise<boolean> {
  const text = utf8(checkpoint.text);
  const found = signaturesOf(checkpoint, key).map(({ bytes }) => verifyEd25519(key.publicKey, bytes, text));
  return found.length > 0 && (await Promise.all(found)).every(Boolean);
}

function signaturesOf(checkpoint: Checkpoint, key: VerifierKey): readonly NoteSignature[] {
  return checkpoint.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.id);
}

/** Whether two checkpoints are of the same log and state. */
export function sameHead(one: Checkpoint, other: Checkpoint): boolean {
  return one.origin === other.origin && one.size === other.size && equal(one.root, other.root);
}
