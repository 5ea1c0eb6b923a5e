/** Ed25519 by WebCrypto; by JavaScript where a browser's WebCrypto lacks it, or the page is not in a secure context. */

import type { Bytes } from "./bytes.ts";

export type Implementation = "webcrypto" | "javascript";

let chosen: Promise<Implementation> | undefined;

/** Which implementation this browser verifies with. */
export function implementation(): Promise<Implementation> {
  chosen ??= hasEd25519().then((has) => (has ? "webcrypto" : "javascript"));
  return chosen;
}

/** Loads what a verification needs, so that it asks for nothing itself. */
export async function prepareEd25519(): Promise<void> {
  if ((await implementation()) === "javascript") await import("./ed25519-javascript.ts");
}

/** Whether a signature (64 bytes) of a message holds under a public key (32 bytes), by RFC 8032. */
export async function verifyEd25519(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  if (signature.length !== 64) return false;
  if ((await implementation()) === "javascript") {
    const { verifyInJavaScript } = await import("./ed25519-javascript.ts");
    return verifyInJavaScript(publicKey, signature, message);
  }
  try {
    return await crypto.subtle.verify("Ed25519", await imported(publicKey), signature, message);
  } catch {
    return false; // no point of the curve
  }
}

/** Whether WebCrypto takes a key of Ed25519 (Chrome 137, Firefox 129, Safari 17; in secure contexts). */
async function hasEd25519(): Promise<boolean> {
  const base = new Uint8Array(32).fill(0x66); // the base point of RFC 8032 section 5.1
  base[0] = 0x58;
  try {
    await imported(base);
    return true;
  } catch {
    return false;
  }
}

function imported(publicKey: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
}
