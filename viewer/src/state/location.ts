/** A page with its parameters, as the part of the URL after `#` names it: `#/explore?kind=audit`. */
export interface Place {
  readonly page: string;
  readonly query: Readonly<Record<string, string>>;
}

/** The place that a hash names; `explore` without one. */
export function pageOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { page: path || "explore", query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The hash of a place, with its parameters in a fixed order and without empty ones: one view has one URL. */
export function hashOf(place: Place): string {
  const given = Object.entries(place.query).filter(([, value]) => value !== "");
  const query = new URLSearchParams(given.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  return `#/${place.page}${query && `?${query}`}`;
}
