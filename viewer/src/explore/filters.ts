/** Filters of a search: what the API can filter by it is asked for; the rest is filtered in this page. */
import type { Kind, Row } from "./kinds.ts";

export interface Filter {
  /** A field of the record; nested ones with dots: `recordedBy.subject`. */
  readonly field: string;
  readonly value: string;
  /** Leaves out what is equal to the value. */
  readonly not: boolean;
}

/** `actorId=sarah;action!=blog_post.updated`, for the URL. */
export function filtersText(filters: readonly Filter[]): string {
  return filters.map(({ field, value, not }) => `${escaped(field)}${not ? "!=" : "="}${escaped(value)}`).join(";");
}

/** The filters of such a text; what cannot be read is left out. */
export function parseFilters(text: string): Filter[] {
  return text.split(";").flatMap((part) => {
    const found = /^([^=!]+)(!?)=(.*)$/s.exec(part);
    const [field, value] = [unescaped(found?.[1] ?? ""), unescaped(found?.[3] ?? "")];
    return field && value ? [{ field, value, not: found?.[2] === "!" }] : [];
  });
}

/**
 * What a person has typed into the bar: `actorId:sarah`, `-level:info` and `"status text"` for a value with spaces.
 * Null for words, which the API searches for.
 */
export function typedFilter(text: string, kind: Kind): Filter | null {
  const found = /^(-?)([\w.]+)[:=](?:"([^"]+)"|(\S.*))$/.exec(text.trim());
  const field = found?.[2] ?? "";
  const value = found?.[3] ?? found?.[4] ?? "";
  const known = kind.listed.includes(field.split(".")[0] ?? "") && field !== "what" && field !== "actor";
  return known && value ? { field, value, not: found?.[1] === "-" } : null;
}

/** Adds a filter: a second value of a field replaces the first, and what was left out is not looked for. */
export function withFilter(filters: readonly Filter[], added: Filter): Filter[] {
  const rest = filters.filter((filter) => {
    if (filter.field !== added.field) return true;
    return filter.value !== added.value && (added.not || filter.not);
  });
  return [...rest, added];
}

/** What of the filters the API does. */
export function askedOf(kind: Kind, filters: readonly Filter[]): Record<string, string> {
  return Object.fromEntries(
    filters.filter((filter) => isAsked(kind, filter)).map(({ field, value }) => [field, value]),
  );
}

/** What of the filters is done here: values to leave out, and fields that the API does not filter by. */
export function filteredHere(kind: Kind, filters: readonly Filter[]): Filter[] {
  return filters.filter((filter) => !isAsked(kind, filter));
}

/** Whether a list can be filtered by a field: lists leave out the large ones. */
export function canFilter(kind: Kind, field: string): boolean {
  return kind.listed.includes(field.split(".")[0] ?? "");
}

/** Whether a row passes. An action `blog_post.*` stands for all of a resource type, here as in the API. */
export function passes(row: Row, filters: readonly Filter[]): boolean {
  return filters.every(({ field, value, not }) => matches(at(row, field), value, field === "action") !== not);
}

function matches(found: unknown, value: string, wildcard: boolean): boolean {
  const text =
    found === undefined || found === null ? "" : typeof found === "object" ? JSON.stringify(found) : String(found);
  return text === value || (wildcard && value.endsWith(".*") && text.startsWith(value.slice(0, -1)));
}

function isAsked(kind: Kind, { field, not }: Filter): boolean {
  return !not && kind.filters.includes(field);
}

/** A value in a record by its path; fields whose own names have dots come first. */
export function at(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path];
  const [head = "", ...rest] = path.split(".");
  if (!rest.length || !Object.hasOwn(value, head)) return undefined;
  return at((value as Record<string, unknown>)[head], rest.join("."));
}

function escaped(text: string): string {
  return text.replace(/[%;=!]/g, encodeURIComponent).replaceAll("!", "%21");
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
