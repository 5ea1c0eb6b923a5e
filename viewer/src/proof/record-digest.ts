/** A record's digest and its leaf, recomputed from its JSON form as the API, an export or an archive has it. */

import { type Bytes, fromHex, hex } from "./bytes.ts";
import { canonical } from "./canonical.ts";
import { VerificationError } from "./errors.ts";
import { sha256 } from "./hash.ts";
import type { Json, JsonObject } from "./json.ts";

const FIRST = ["actorName", "ipAddress", "userAgent", "resourceName", "description", "before", "after", "metadata"];
const SALTED = new Map([
  [1n, new Set(FIRST)],
  [2n, new Set([...FIRST, "onBehalfOfName", "recordedBy"])],
]);
const OUTSIDE = new Set(["_id", "digest", "salts"]); // what the digest does not cover
const SALT = /^[0-9a-f]{32}$/;

/** What a record's digest must be, in hex. Throws VerificationError where the record cannot have one. */
export function digestOf(record: JsonObject): string {
  const salted = saltedFields(record);
  const salts = saltsOf(record, salted);
  const committed = new Map<string, Json>();
  for (const [field, value] of record) {
    if (OUTSIDE.has(field)) continue;
    const salt = salts.get(field);
    committed.set(field, salt === undefined ? value : hex(sha256(fromHex(salt), canonical(value))));
  }
  return hex(sha256(canonical(committed)));
}

/** Checks that a record has the digest that it bears, and returns that. Throws VerificationError. */
export function checkDigest(record: JsonObject): string {
  const digest = digestOf(record);
  if (digest !== record.get("digest")) {
    throw new VerificationError("the record was changed: its content does not have its digest");
  }
  return digest;
}

/** The entry of the log that commits to a record, by the digest that the record bears. Throws VerificationError. */
export function entryOf(record: JsonObject): Bytes {
  return canonical(new Map(["digest", "recordedOn", "refId"].map((name) => [name, record.get(name) ?? null])));
}

/** The refId of a record, if it is one. */
export function refIdOf(record: JsonObject): string | undefined {
  const refId = record.get("refId");
  return typeof refId === "string" && /^[0-9A-Za-z]{26}$/.test(refId) ? refId : undefined;
}

function saltedFields(record: JsonObject): Set<string> {
  const stated = record.get("digestVersion");
  const version = stated === undefined ? 1n : stated;
  const salted = typeof version === "bigint" ? SALTED.get(version) : undefined;
  if (!salted || (version === 1n && stated !== undefined)) {
    throw new VerificationError("the version of the digest is not known");
  }
  if (version !== 1n && isEmpty(record.get("recordedBy"))) throw new VerificationError("the record lacks recordedBy");
  return new Set([...salted].filter((field) => record.has(field)));
}

/** The salt of each salted field that the record has, in hex. */
function saltsOf(record: JsonObject, salted: Set<string>): Map<string, string> {
  const found = record.get("salts");
  if (!(found instanceof Map) || found.size !== salted.size || ![...salted].every((field) => found.has(field))) {
    throw new VerificationError("the salts are not those of the salted fields that the record has");
  }
  for (const [field, salt] of found) {
    if (typeof salt !== "string" || !SALT.test(salt)) {
      throw new VerificationError(`the salt of ${field} is not 32 hex digits`);
    }
  }
  return found;
}

function isEmpty(value: Json | undefined): boolean {
  if (value instanceof Map) return value.size === 0;
  return Array.isArray(value) ? value.length === 0 : !value;
}
