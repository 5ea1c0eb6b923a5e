import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, type GivenFile, missing, type Role, roleOf, withFile } from "../../src/verify/files.ts";

const NOTE = `a.example/log\n7\n${btoa("r".repeat(32))}\n\n— a.example/log AAAAAAA=\n`;
const VKEY = "localhost/chancery-local/tenant-acme+57994145+AdKV+fEe5hH70bF/2lArapFt4N8kB45RBrduzDv+lSTc";
const HEAD = '{"format":"chancery-export-proof@v1","checkpoint":"","records":1,"sha256":';

const given = (role: Role, name: string = role): GivenFile => ({ file: new File([], name), role });

test("a file is recognized by its content, whatever its name", async () => {
  const contents: [Role, string][] = [
    ["records", '{"refId":"a","digest":"b"}\n{"refId":"c","digest":"d"}\n'],
    ["records", '{\n  "refId": "a"\n}\n'],
    ["recordProof", `c2sp.org/tlog-proof@v1\nindex 0\n\n${NOTE}`],
    ["recordProof", '{"index":0,"size":1,"leaf":"","path":[],"checkpoint":""}'],
    ["exportProof", `${HEAD}"00"}\n{"positions":[0]}\n`],
    ["archiveProof", `${HEAD}null}\n{"positions":[0]}\n`],
    ["manifest", '{"format":"chancery-archive@v1","parts":[]}'],
    ["checkpoint", NOTE],
    ["consistency", '{"from":1,"to":2,"path":[],"checkpoint":null}'],
    ["key", `${VKEY}\n`],
    ["unknown", "nothing"],
  ];
  for (const [role, content] of contents) {
    assert.equal(await roleOf(new File([content], "file")), role);
  }
  assert.equal(await roleOf(new File([Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0)], "file")), "records");
});

test("a file whose content is broken is recognized by its name", async () => {
  const names: [Role, string][] = [
    ["records", "a.ndjson"],
    ["records", "a.json"],
    ["exportProof", "a.ndjson.proof"],
    ["recordProof", "a.tlog-proof"],
    ["unknown", "a.txt"],
  ];
  for (const [role, name] of names) assert.equal(await roleOf(new File(["{broken"], name)), role);
});

test("a file replaces the one of its role, and one proof the other", () => {
  const files = [given("records"), given("recordProof"), given("exportProof", "e.proof"), given("records")];
  assert.deepEqual(
    files.reduce(withFile, [] as readonly GivenFile[]).map(({ role }) => role),
    ["exportProof", "records"],
  );
});

test("of checkpoints the two that came last are held", () => {
  const files = ["one", "two", "three"].map((name) => given("checkpoint", name));
  assert.deepEqual(
    files.reduce(withFile, [] as readonly GivenFile[]).map(({ file }) => file.name),
    ["two", "three"],
  );
});

test("what is missing is named", () => {
  const sentences: [Role[], RegExp | null][] = [
    [["records"], /drop the proof/],
    [["recordProof"], /drop the record/],
    [["exportProof"], /drop the export/],
    [["archiveProof", "manifest"], /drop the archive/],
    [["manifest"], /drop the archive/],
    [["checkpoint"], /older and the newer/],
    [["records", "exportProof"], null],
    [["records", "recordProof"], null],
    [["checkpoint", "checkpoint"], null],
  ];
  for (const [roles, sentence] of sentences) {
    const files = roles.map((role) => given(role));
    if (sentence) assert.match(missing(files) ?? "", sentence);
    assert.equal(complete(files), sentence === null);
  }
  assert.equal(complete([given("unknown")]), false);
});
