/** A view of Explore, and its URL: everything that another person must have to see the same. */
import { parseRange, type Range, rangeText } from "../ui/range.ts";
import { type Filter, filtersText, parseFilters } from "./filters.ts";
import { type Kind, kindOf } from "./kinds.ts";

export interface View {
  readonly kind: Kind;
  readonly range: Range;
  readonly filters: readonly Filter[];
  readonly words: string;
  readonly columns: readonly string[];
  readonly wrap: boolean;
  /** The refId of the record that is open; empty for none. */
  readonly open: string;
  /** Empty for the person's own. */
  readonly tenant: string;
  readonly live: boolean;
}

/** The view of a URL's parameters; what is missing or cannot be read is as usual. */
export function viewOf(query: Readonly<Record<string, string>>): View {
  const kind = kindOf(query.kind);
  const columns = (query.columns ?? "").split(",").filter((column) => kind.listed.includes(column));
  return {
    kind,
    range: parseRange(query.range ?? "") ?? { last: kind.range },
    filters: parseFilters(query.filters ?? ""),
    words: query.words ?? "",
    columns: columns.length ? columns : kind.columns,
    wrap: query.wrap === "1",
    open: query.open ?? "",
    tenant: query.tenant ?? "",
    live: query.live === "1",
  };
}

/** The parameters of a view, without those that are as usual. */
export function queryOf(view: View): Record<string, string> {
  const range = rangeText(view.range);
  const columns = view.columns.join(",");
  return {
    kind: view.kind.id,
    range: range === view.kind.range ? "" : range,
    filters: filtersText(view.filters),
    words: view.words,
    columns: columns === view.kind.columns.join(",") ? "" : columns,
    wrap: view.wrap ? "1" : "",
    open: view.open,
    tenant: view.tenant,
    live: view.live ? "1" : "",
  };
}

/** The view of another kind: range, words and tenant stay; filters stay where the kind has their fields. */
export function ofKind(view: View, kind: Kind): View {
  const filters = view.filters.filter((filter) => kind.listed.includes(filter.field.split(".")[0] ?? ""));
  const range = rangeText(view.range) === view.kind.range ? { last: kind.range } : view.range;
  return { ...view, kind, filters, range, columns: kind.columns, open: "" };
}

/** What identifies the search of a view: two views with the same differ in how they show it only. */
export function searchKey({ kind, range, filters, words, tenant }: View): string {
  return JSON.stringify([kind.id, rangeText(range), filtersText(filters), words, tenant]);
}
