/** Ed25519 without WebCrypto: a chunk of its own, loaded where a browser needs it. */

import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

hashes.sha512 = sha512;

/** Whether a signature holds, by the strict rules of RFC 8032, as WebCrypto's. */
export function verifyInJavaScript(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    return verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // no point of the curve, or no number below the group's order
  }
}
