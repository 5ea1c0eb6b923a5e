/** Spans of time, as a person chooses them and as the URL has them: `7d`, or `2026-11-01T00:00:00.000Z/2026-11-02T…`. */

/** The last so many milliseconds, up to now; or from one moment to another, which is open where `to` is null. */
export type Range = { readonly last: string } | { readonly from: Date; readonly to: Date | null };

const UNITS: Readonly<Record<string, readonly [milliseconds: number, name: string]>> = {
  m: [60_000, "minute"],
  h: [3_600_000, "hour"],
  d: [86_400_000, "day"],
  y: [365 * 86_400_000, "year"],
};

export const PRESETS: readonly string[] = ["15m", "1h", "6h", "24h", "7d", "30d", "90d", "3y"];

/** The range of its text; null for another text, a span of nothing, or one whose end is not after its beginning. */
export function parseRange(text: string): Range | null {
  if (span(text) > 0) return { last: text };
  const [from = "", to = ""] = text.split("/");
  const start = new Date(from);
  const end = to ? new Date(to) : null;
  if (!text.includes("/") || Number.isNaN(start.getTime()) || (end && !(end.getTime() > start.getTime()))) return null;
  return { from: start, to: end };
}

export function rangeText(range: Range): string {
  return "last" in range ? range.last : `${range.from.toISOString()}/${range.to?.toISOString() ?? ""}`;
}

/** Beginning and end at a moment; the end is null where it is open. */
export function boundsOf(range: Range, now: Date): { from: Date; to: Date | null } {
  return "last" in range ? { from: new Date(now.getTime() - span(range.last)), to: null } : range;
}

/** `Last 7 days`; two moments are for the caller to format. */
export function presetLabel(last: string): string {
  const [, number = "", unit = ""] = /^(\d+)([mhdy])$/.exec(last) ?? [];
  const name = UNITS[unit]?.[1] ?? "";
  return number === "1" ? `Last ${name}` : `Last ${number} ${name}s`;
}

function span(text: string): number {
  const [, number = "0", unit = ""] = /^(\d{1,5})([mhdy])$/.exec(text) ?? [];
  return Number(number) * (UNITS[unit]?.[0] ?? 0);
}
