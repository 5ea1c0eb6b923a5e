/**
 * JSON from untrusted files. JSON.parse does not do: it takes a key that is there twice, and rounds large integers.
 * An integer is a bigint, any other number a number, an object a Map: so each value keeps what its text says.
 */

import { textOf } from "./bytes.ts";
import { VerificationError } from "./errors.ts";

export type Json = null | boolean | string | number | bigint | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

const DEEPEST = 256; // levels; a record has fewer
const LONGEST_NUMBER = 4300; // digits; to read more takes quadratic time
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPED: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** The object in a text of UTF-8. Throws VerificationError, also for a key that is twice in an object. */
export function parseObject(bytes: Uint8Array): JsonObject {
  const value = new Parser(textOf(bytes)).parse();
  if (!(value instanceof Map)) throw new VerificationError("is not a JSON object");
  return value;
}

type Kind = "integer" | "string" | "array" | "null";
interface Kinds {
  integer: bigint;
  string: string;
  array: readonly Json[];
  null: null;
}

/** The members of an object that must have exactly these names and kinds. Throws VerificationError. */
export function members<K extends Record<string, Kind>>(object: JsonObject, kinds: K): { [N in keyof K]: Kinds[K[N]] } {
  const names = Object.keys(kinds);
  if (object.size !== names.length || !names.every((name) => kindOf(object.get(name)) === kinds[name])) {
    const listed = names.map((name) => `${name} (${kinds[name]})`).join(", ");
    throw new VerificationError(`must have exactly ${listed}`);
  }
  return Object.fromEntries(object) as { [N in keyof K]: Kinds[K[N]] };
}

function kindOf(value: Json | undefined): Kind | undefined {
  if (value === null) return "null";
  if (typeof value === "bigint") return "integer";
  if (typeof value === "string") return "string";
  return Array.isArray(value) ? "array" : undefined;
}

class Parser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  parse(): Json {
    const value = this.value(0);
    this.skip(SPACE);
    if (this.at < this.text.length) throw this.malformed();
    return value;
  }

  private value(depth: number): Json {
    if (depth > DEEPEST) throw new VerificationError("is nested too deeply");
    this.skip(SPACE);
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.literal("true", true);
      case "f":
        return this.literal("false", false);
      case "n":
        return this.literal("null", null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const object = new Map<string, Json>();
    if (this.begins("}")) return object;
    do {
      this.skip(SPACE);
      const name = this.string();
      if (object.has(name)) throw new VerificationError("has a key twice in an object");
      this.expect(":");
      object.set(name, this.value(depth + 1));
    } while (this.next(","));
    this.expect("}");
    return object;
  }

  private array(depth: number): Json[] {
    const array: Json[] = [];
    if (this.begins("]")) return array;
    do array.push(this.value(depth + 1));
    while (this.next(","));
    this.expect("]");
    return array;
  }

  private string(): string {
    if (this.text[this.at] !== '"') throw this.malformed();
    this.at++;
    let value = this.skip(PLAIN);
    while (this.text[this.at] === "\\") value += this.escape() + this.skip(PLAIN);
    if (this.text[this.at] !== '"') throw this.malformed();
    this.at++;
    return value;
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? "";
    if (letter === "u") {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.malformed();
      this.at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = Object.hasOwn(ESCAPED, letter) ? ESCAPED[letter] : undefined;
    if (character === undefined) throw this.malformed();
    this.at += 2;
    return character;
  }

  private number(): bigint | number {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) throw this.malformed();
    this.at = NUMBER.lastIndex;
    const [literal, fraction, exponent] = found;
    if (literal.length > LONGEST_NUMBER) throw new VerificationError("has a number that is too long");
    return fraction === undefined && exponent === undefined ? BigInt(literal) : Number(literal);
  }

  private literal<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.malformed();
    this.at += word.length;
    return value;
  }

  /** Enters an object or array; whether it is empty. */
  private begins(close: string): boolean {
    this.at++;
    return this.next(close);
  }

  private next(character: string): boolean {
    this.skip(SPACE);
    const found = this.text[this.at] === character;
    if (found) this.at++;
    return found;
  }

  private expect(character: string): void {
    if (!this.next(character)) throw this.malformed();
  }

  private skip(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    pattern.test(this.text);
    const start = this.at;
    this.at = pattern.lastIndex;
    return this.text.slice(start, this.at);
  }

  private malformed(): VerificationError {
    return new VerificationError("is not JSON");
  }
}
