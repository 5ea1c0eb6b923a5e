// node verify-all.ts: verifies what the tests in Python have made. Each line of the input is a JSON object
// {command, keys, pinned, ...files in base64}; each line of the output is the report, or {canonical} or {problem}.
import { createInterface } from "node:readline";
import { fromBase64 } from "../../src/proof/bytes.ts";
import { canonical } from "../../src/proof/canonical.ts";
import { verifyConsistency } from "../../src/proof/consistency.ts";
import { VerificationError } from "../../src/proof/errors.ts";
import { verifyExport } from "../../src/proof/export-steps.ts";
import { parseObject } from "../../src/proof/json.ts";
import { verifyRecord } from "../../src/proof/record-proof.ts";
import { parseVerifierKey } from "../../src/proof/signed-notes.ts";

interface Job {
  readonly command: string;
  readonly keys: readonly string[];
  readonly pinned: boolean;
  readonly leafless?: number;
  readonly files: Readonly<Record<string, string>>;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Job))}\n`);
}

async function answer(job: Job): Promise<unknown> {
  try {
    return await verified(job);
  } catch (error) {
    if (error instanceof VerificationError) return { problem: error.what };
    throw error;
  }
}

async function verified({ command, keys, pinned, leafless, files }: Job): Promise<unknown> {
  const file = (name: string) => fromBase64(files[name]);
  const given = (name: string) => (name in files ? file(name) : undefined);
  const trust = { keys: keys.map(parseVerifierKey), pinned };
  switch (command) {
    case "canonical":
      return { canonical: new TextDecoder().decode(canonical(parseObject(file("value")))) };
    case "record":
      return verifyRecord(file("record"), file("proof"), trust);
    case "consistency":
      return verifyConsistency(file("older"), file("newer"), given("proof") ?? null, trust);
    default: {
      const [records, proof] = [new Blob([file("records")]), new Blob([file("proof")])];
      return verifyExport({ records, proof, manifest: given("manifest"), leafless }, trust);
    }
  }
}
