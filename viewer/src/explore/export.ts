/** What is shown, as a file: NDJSON with each row whole, or CSV with the columns that are shown. */
import { cellOf, type Row, titleOf } from "./kinds.ts";

/** Each row as a line of JSON. */
export function ndjson(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** A line for each row, with a heading (RFC 4180). */
export function csv(rows: readonly Row[], columns: readonly string[]): string {
  const lines = [columns.map(titleOf), ...rows.map((row) => columns.map((column) => cell(cellOf(row, column))))];
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

/** A spreadsheet would run a cell that begins so as a formula: an apostrophe makes it text (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return String(value);
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return FORMULA.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Gives a text to the browser as a file to save. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
