import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex } from "../../src/proof/bytes.ts";
import { implementation, verifyEd25519 } from "../../src/proof/ed25519.ts";
import { verifyInJavaScript } from "../../src/proof/ed25519-javascript.ts";

// RFC 8032 section 7.1: public key, message, signature.
const VECTORS = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
].map((texts) => texts.map(fromHex)) as ReturnType<typeof fromHex>[][];

test("WebCrypto has Ed25519 here", async () => {
  assert.equal(await implementation(), "webcrypto");
});

for (const [name, verify] of [
  ["WebCrypto", verifyEd25519],
  ["JavaScript", async (...parts: Parameters<typeof verifyInJavaScript>) => verifyInJavaScript(...parts)],
] as const) {
  test(`${name} verifies the vectors of RFC 8032, and nothing else`, async () => {
    for (const [key, message, signature] of VECTORS) {
      assert.ok(key && message && signature);
      assert.equal(await verify(key, signature, message), true);
      assert.equal(await verify(key, signature, Uint8Array.of(1, 2, 3)), false);
      assert.equal(await verify(key, signature.slice(0, 63), message), false);
      assert.equal(
        await verify(
          key.map((byte) => byte ^ 1),
          signature,
          message,
        ),
        false,
      );
      for (const at of [0, 31, 32, 63]) {
        const changed = signature.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        assert.equal(await verify(key, changed, message), false);
      }
    }
  });
}
