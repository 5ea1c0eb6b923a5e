/** The manifest of an archived month: what its file must be. */

import { hex } from "./bytes.ts";
import { VerificationError } from "./errors.ts";
import { type Json, type JsonObject, parseObject } from "./json.ts";
import { CompactRange } from "./merkle.ts";

export const FORMAT = "chancery-archive@v1";
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const MONTH = /^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$/;
const HASH = /^[0-9a-f]{64}$/;

/** A record's place in the order of a file: by `createdOn`, then `refId`. */
interface SortKey {
  readonly createdOn: string;
  readonly refId: string;
}

export interface Manifest {
  readonly tenantId: string | null;
  readonly month: string;
  readonly recordedFrom: string | null;
  readonly recordedTo: string;
  readonly records: number;
  readonly rawBytes: number;
  readonly first: SortKey;
  readonly last: SortKey;
  readonly contentRoot: string; // hex
  readonly log: LogRange;
}

/** The range of the records in their tenant's log; null where no record has a leaf. */
interface LogRange {
  readonly checkpoint: string | null;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  readonly sealed: number;
  readonly unsealed: number;
}

/** The manifest in a file. Later versions may add members. Throws VerificationError. */
export function parseManifest(file: Uint8Array): Manifest {
  const found = new Members(parseObject(file));
  if (found.text("format") !== FORMAT) throw new VerificationError(`is not a ${FORMAT}`);
  const log = found.within("log");
  const manifest = {
    tenantId: found.orNull("tenantId", (name) => found.text(name)),
    month: found.text("month", MONTH),
    recordedFrom: found.orNull("recordedFrom", (name) => found.text(name, TIME)),
    recordedTo: found.text("recordedTo", TIME),
    records: found.count("records"),
    rawBytes: found.count("rawBytes"),
    first: sortKey(found.within("first")),
    last: sortKey(found.within("last")),
    contentRoot: found.text("contentRoot", HASH),
    log: {
      checkpoint: log.orNull("checkpoint", (name) => log.text(name)),
      firstIndex: log.orNull("firstIndex", (name) => log.count(name)),
      lastIndex: log.orNull("lastIndex", (name) => log.count(name)),
      sealed: log.count("sealed"),
      unsealed: log.count("unsealed"),
    },
  };
  if (manifest.log.sealed + manifest.log.unsealed !== manifest.records) {
    throw new VerificationError("the records with a leaf and those without do not add up to its records");
  }
  return manifest;
}

function sortKey(found: Members): SortKey {
  return { createdOn: found.text("createdOn", TIME), refId: found.text("refId") };
}

/** The members of an object of a manifest, by their types. Each throws VerificationError, with the member's name. */
class Members {
  private readonly object: JsonObject;

  constructor(object: JsonObject) {
    this.object = object;
  }

  text(name: string, form?: RegExp): string {
    const value = this.object.get(name);
    if (typeof value !== "string" || (form && !form.test(value))) throw wrong(name);
    return value;
  }

  count(name: string): number {
    const value = this.object.get(name);
    if (typeof value !== "bigint" || value < 0n || value > Number.MAX_SAFE_INTEGER) throw wrong(name);
    return Number(value);
  }

  within(name: string): Members {
    const value = this.object.get(name);
    if (!(value instanceof Map)) throw wrong(name);
    return new Members(value);
  }

  orNull<T>(name: string, read: (name: string) => T): T | null {
    return this.object.get(name) === null ? null : read(name);
  }
}

function wrong(name: string): VerificationError {
  return new VerificationError(`is not a manifest of an archive: ${name} is missing, or is not what it must be`);
}

/** Takes the records of a file in their order, and compares them with a manifest. Throws VerificationError. */
export class ManifestCheck {
  private readonly manifest: Manifest;
  private readonly tree = new CompactRange();
  private readonly indexes = { sealed: 0, first: Number.POSITIVE_INFINITY, last: -1 };
  private last: SortKey | null = null;
  private bytes = 0;

  constructor(manifest: Manifest) {
    this.manifest = manifest;
  }

  /** The next record, with its leaf hash, its index in the log (null without one), and the bytes of its line. */
  take(record: JsonObject, leaf: Uint8Array, index: number | null, bytes: number): void {
    const key = this.inBounds(record);
    if (this.last ? !follows(key, this.last) : !same(key, this.manifest.first)) {
      throw new VerificationError(
        this.last ? "the record is out of order, or twice in the file" : "is not the first record of the manifest",
      );
    }
    this.last = key;
    this.bytes += bytes;
    this.tree.append(leaf);
    if (index === null) return;
    this.indexes.sealed++;
    this.indexes.first = Math.min(this.indexes.first, index);
    this.indexes.last = Math.max(this.indexes.last, index);
  }

  /** After the last record, with the note of the proof. */
  finish(checkpoint: string): void {
    const { records, rawBytes, last, contentRoot, log } = this.manifest;
    const { sealed, first, last: lastIndex } = this.indexes;
    const inLog = sealed === log.sealed && (!sealed || (first === log.firstIndex && lastIndex === log.lastIndex));
    const checks: [boolean, string][] = [
      [this.tree.size === records, `has ${this.tree.size} records, and ${records} were archived`],
      [this.bytes === rawBytes, `has ${this.bytes} bytes, and ${rawBytes} were archived`],
      [this.last !== null && same(this.last, last), "the last record is not the one that the manifest names"],
      [hex(this.tree.root()) === contentRoot, "the records do not make the manifest's content root"],
      [checkpoint === log.checkpoint, "the proof's checkpoint is not that of the manifest"],
      [inLog, "the records are not where the manifest says they are in the log"],
    ];
    for (const [holds, what] of checks) if (!holds) throw new VerificationError(what, { file: "manifest" });
  }

  private inBounds(record: JsonObject): SortKey {
    const { tenantId, month, recordedFrom, recordedTo } = this.manifest;
    const recordedOn = text(record, "recordedOn");
    const key = { createdOn: text(record, "createdOn"), refId: text(record, "refId") };
    if (record.get("tenantId") !== tenantId) throw new VerificationError("the record is another tenant's");
    if (!key.createdOn.startsWith(`${month}-`)) throw new VerificationError("the record is of another month");
    if ((recordedFrom !== null && recordedOn < recordedFrom) || recordedOn >= recordedTo) {
      throw new VerificationError("the record was not recorded between the manifest's times");
    }
    return key;
  }
}

function text(record: JsonObject, name: string): string {
  const value: Json | undefined = record.get(name);
  if (typeof value !== "string") throw new VerificationError(`is not a record: ${name} is no text`);
  return value;
}

function same(one: SortKey, other: SortKey): boolean {
  return one.createdOn === other.createdOn && one.refId === other.refId;
}

function follows(one: SortKey, other: SortKey): boolean {
  return one.createdOn === other.createdOn ? one.refId > other.refId : one.createdOn > other.createdOn;
}
