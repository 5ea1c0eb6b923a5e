/** The RFC 8785 canonical form of a JSON value, on which every digest rests. */

import { type Bytes, utf8 } from "./bytes.ts";
import { VerificationError } from "./errors.ts";
import type { Json } from "./json.ts";

const LARGEST = 2n ** 53n - 1n;
const HALF_PAIR = /\p{Surrogate}/u;

/** The bytes of the canonical form. Throws VerificationError where the value has none. */
export function canonical(value: Json): Bytes {
  return utf8(textForm(value));
}

function textForm(value: Json): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint") {
    if (value > LARGEST || value < -LARGEST) {
      throw new VerificationError("has an integer beyond 2^53-1, which not every reader of JSON takes for the same");
    }
    return value.toString();
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new VerificationError("has a number that is too large");
    return String(value); // section 3.2.2.3: the form of ECMAScript; "0" for -0
  }
  if (value instanceof Map) {
    // Section 3.2.3: names sort by their UTF-16 code units, as sort() does.
    const names = [...value.keys()].sort();
    return `{${names.map((name) => `${quoted(name)}:${textForm(value.get(name) as Json)}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(textForm).join(",")}]`;
  return String(value); // true, false, null
}

/** Section 3.2.2.2: a string as JSON.stringify writes it. Throws VerificationError at half of a surrogate pair. */
function quoted(text: string): string {
  const form = JSON.stringify(text);
  if (form.includes("\\ud") && HALF_PAIR.test(text)) {
    throw new VerificationError("has half of a surrogate pair, which UTF-8 cannot hold");
  }
  return form;
}
