import assert from "node:assert/strict";
import { test } from "node:test";
import { base64, fromBase64, fromHex, hex, utf8 } from "../../src/proof/bytes.ts";
import { canonical } from "../../src/proof/canonical.ts";
import { VerificationError } from "../../src/proof/errors.ts";
import { sha256 } from "../../src/proof/hash.ts";
import { type JsonObject, parseObject } from "../../src/proof/json.ts";
import { lineBatches } from "../../src/proof/lines.ts";
import { CompactRange, leafHash, rootOf } from "../../src/proof/merkle.ts";
import { checkDigest, entryOf } from "../../src/proof/record-digest.ts";
import { formatVerifierKey, parseCheckpoint, parseVerifierKey } from "../../src/proof/signed-notes.ts";

const parse = (text: string): JsonObject => parseObject(utf8(text));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("the example of RFC 8785 section 3.2.2", () => {
  const source = String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`;
  const expected =
    `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
    String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`;
  assert.equal(text(canonical(parse(source))), expected);
});

test("keys sort by UTF-16 units as in RFC 8785 section 3.2.3", () => {
  const keys = ["€", "\r", "\ufb33", "1", "😀", "\x80", "ö"];
  const object = new Map(keys.map((key) => [key, 0n]));
  const sorted = ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"];
  assert.equal(text(canonical(object)), `{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(",")}}`);
});

test("names that mean something in JavaScript are names like others", () => {
  const source = '{"__proto__":{"a":1},"constructor":2,"toString":3}';
  assert.equal(text(canonical(parse(source))), source);
});

test("a key that is twice in an object, and an integer that is not exact, are refused", () => {
  assert.throws(() => parse('{"a":1,"\\u0061":1}'), VerificationError);
  assert.throws(() => canonical(parse('{"a":9007199254740993}')), VerificationError);
  assert.equal(
    text(canonical(parse('{"a":1e300,"b":-0.0,"c":9007199254740991}'))),
    '{"a":1e+300,"b":0,"c":9007199254740991}',
  );
});

test("half of a surrogate pair is refused, and its escape as text is not", () => {
  assert.throws(() => canonical(parse('{"a":"\\ud800"}')), VerificationError);
  assert.throws(() => canonical(parse('{"\\udc00x":1}')), VerificationError);
  assert.equal(text(canonical(parse('{"a":"\\\\ud800"}'))), '{"a":"\\\\ud800"}');
  assert.equal(text(canonical(parse('{"a":"\\ud83d\\ude00"}'))), '{"a":"😀"}');
});

test("a number of many digits is refused, before it takes time", () => {
  assert.throws(() => parse(`{"a":${"9".repeat(5_000_000)}}`), VerificationError);
});

test("the fixed record has its digest", () => {
  const record = parse(`{"_id": 1, "refId": "01J00000000000000000000000", "eventId": "e-1", "tenantId": null,
    "actorName": "Sørén", "actorType": "human", "actorId": "u-1", "resourceType": "strategy", "resourceId": "s-1",
    "action": "strategy.approved", "after": {"b": 1.5, "a": "€"}, "createdOn": "2026-01-02T03:04:05.006Z",
    "recordedOn": "2026-01-02T03:04:05.007Z",
    "salts": {"actorName": "000102030405060708090a0b0c0d0e0f", "after": "101112131415161718191a1b1c1d1e1f"},
    "digest": "24ea011a80fab0c6593417e46e2de590edd9ed6f563a0706ec287c6ec2608c81"}`);
  assert.equal(checkDigest(record), record.get("digest"));
  assert.equal(
    text(entryOf(record)),
    `{"digest":"${record.get("digest")}","recordedOn":"2026-01-02T03:04:05.007Z","refId":"01J00000000000000000000000"}`,
  );
});

test("base64 has one text for each value", () => {
  assert.deepEqual(fromBase64("AAE="), Uint8Array.of(0, 1));
  assert.equal(base64(Uint8Array.of(0, 1)), "AAE=");
  for (const other of ["AAF=", "AAE", "AA E=", "AAE=\n", "!", 1, undefined]) {
    assert.throws(() => fromBase64(other), VerificationError);
  }
  assert.throws(() => fromBase64("AAE=", 3), /2 bytes in base64 where 3 should be/);
});

test("a verifier key's id is that of its name and key", () => {
  const vkey = "localhost/chancery-local/tenant-acme+57994145+AdKV+fEe5hH70bF/2lArapFt4N8kB45RBrduzDv+lSTc";
  assert.equal(formatVerifierKey(parseVerifierKey(`${vkey}\n`)), vkey);
  for (const other of [
    "",
    "a+b",
    vkey.replace("acme", "acne"),
    vkey.replace("+A", "+B"),
    `${vkey}A`,
    vkey.replace("57", "58"),
  ]) {
    assert.throws(() => parseVerifierKey(other), VerificationError);
  }
});

test("a checkpoint is origin, size, root and signatures", () => {
  const root = base64(sha256());
  const note = `a.example/log\n7\n${root}\n\n— a.example/log AAAAAAA=\n`;
  const checkpoint = parseCheckpoint(note);
  assert.deepEqual([checkpoint.origin, checkpoint.size, base64(checkpoint.root)], ["a.example/log", 7n, root]);
  assert.equal(checkpoint.text, `a.example/log\n7\n${root}\n`);
  for (const other of [
    note.slice(0, -1),
    note.replace("7", "07"),
    note.replace("\n\n", "\n"),
    note.replace("a.", "\x07."),
  ]) {
    assert.throws(() => parseCheckpoint(other), VerificationError);
  }
});

// RFC 6962 trees: the vectors of the Certificate Transparency project.
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test("the roots of trees of one to eight leaves", () => {
  const hashes = LEAVES.map((leaf) => leafHash(fromHex(leaf)));
  const range = new CompactRange();
  ROOTS.forEach((root, at) => {
    range.append(hashes[at] as Uint8Array);
    assert.equal(hex(rootOf(hashes.slice(0, at + 1))), root);
    assert.equal(hex(range.root()), root);
  });
  assert.equal(hex(rootOf([])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("lines are the same in pieces of any size", async () => {
  const whole = "one\n\ntwo €\nthree";
  for (let size = 1; size <= whole.length + 2; size++) {
    const lines: string[] = [];
    for await (const batch of lineBatches(inPieces(utf8(whole), size))) lines.push(...batch.map(text));
    assert.deepEqual(lines, ["one\n", "\n", "two €\n", "three"]);
  }
});

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
