/** Text of records, which may be hostile: made visible and cut before it is shown. */

/**
 * Characters that cannot be seen or that change the direction of what follows: controls but for tab and line feed, soft
 * hyphen, zero-width characters, marks and overrides of direction. Source: Unicode categories Cc and Cf; UTR 36.
 */
const HIDDEN =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]/g;

/** The text with each hidden character written out, as `\u202e`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** At most `length` UTF-16 units of a text, and an ellipsis where it is cut; half a surrogate pair is left out. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** A value of a record as one line. */
export function oneLine(value: unknown, length = 300): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
  return visible(cut(text, length).replace(/\s*\n\s*/g, " ⏎ "));
}
