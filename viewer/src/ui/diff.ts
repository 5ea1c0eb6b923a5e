/** Lines of the difference between a record's `before` and `after`. */
import microdiff from "microdiff";
import { oneLine } from "./text.ts";

export interface DiffLine {
  readonly sign: "+" | "-" | " ";
  readonly path: string;
  readonly value: string;
}

const MOST_UNCHANGED = 20;

/** Unchanged fields of the first level, then what was removed and added, by path; a change is one line of each. */
export function diffLines(before: unknown, after: unknown): DiffLine[] {
  const [old, now] = [asObject(before), asObject(after)];
  const differences = microdiff(old, now);
  const changed = new Set(differences.map((difference) => String(difference.path[0])));
  const unchanged = Object.keys(old).filter((key) => !changed.has(key));
  const line = (sign: DiffLine["sign"], path: readonly (string | number)[], value: unknown): DiffLine => ({
    sign,
    path: path.map(String).join("."),
    value:
      oneLine(value === undefined ? null : typeof value === "string" ? JSON.stringify(value) : value, 2000) || "null",
  });
  return [
    ...unchanged.slice(0, MOST_UNCHANGED).map((key) => line(" ", [key], old[key])),
    ...differences.flatMap((difference) => {
      if (difference.type === "CREATE") return [line("+", difference.path, difference.value)];
      if (difference.type === "REMOVE") return [line("-", difference.path, difference.oldValue)];
      return [line("-", difference.path, difference.oldValue), line("+", difference.path, difference.value)];
    }),
  ];
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
