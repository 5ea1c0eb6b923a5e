/** Moments for people, in local time or in UTC. */

export type Zone = "local" | "utc";

/** `2026-11-27 16:41:07.221 +01:00`: sortable, exact, and with its zone. */
export function fullTime(moment: Date, zone: Zone): string {
  return `${day(moment, zone)} ${clock(moment, zone)} ${offset(moment, zone)}`;
}

/** The time of day with milliseconds; with its date where that is not today's. */
export function rowTime(moment: Date, now: Date, zone: Zone): string {
  const date = day(moment, zone);
  return date === day(now, zone) ? clock(moment, zone) : `${date.slice(2)} ${clock(moment, zone)}`;
}

/** `2026-11-27`. */
export function day(moment: Date, zone: Zone): string {
  return shifted(moment, zone).toISOString().slice(0, 10);
}

/** `3 minutes ago`, in English, as the whole page is. */
export function ago(moment: Date, now: Date): string {
  const seconds = Math.round((moment.getTime() - now.getTime()) / 1000);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, size] of [
    ["year", 31_536_000],
    ["month", 2_592_000],
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ] as const) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(seconds, "second");
}

/** `UTC`, or the offset of this browser's zone at a moment: `+01:00`. */
export function offset(moment: Date, zone: Zone): string {
  if (zone === "utc") return "UTC";
  const minutes = -moment.getTimezoneOffset();
  const digits = (value: number) => String(Math.trunc(value)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${digits(Math.abs(minutes) / 60)}:${digits(Math.abs(minutes) % 60)}`;
}

/** The value of an `<input type="datetime-local">`. */
export function inputTime(moment: Date, zone: Zone): string {
  return shifted(moment, zone).toISOString().slice(0, 19);
}

/** The moment of such a value; null where there is none. */
export function momentOf(value: string, zone: Zone): Date | null {
  const moment = new Date(zone === "utc" ? `${value}Z` : value);
  return Number.isNaN(moment.getTime()) ? null : moment;
}

function clock(moment: Date, zone: Zone): string {
  return shifted(moment, zone).toISOString().slice(11, 23);
}

/** The moment whose UTC is the wanted zone's time of day. */
function shifted(moment: Date, zone: Zone): Date {
  return zone === "utc" ? moment : new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
}
