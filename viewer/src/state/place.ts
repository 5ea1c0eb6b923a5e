/** Where the page is: the part of the URL after `#`, as a signal. */
import { signal } from "@preact/signals";
import { hashOf, type Place, pageOf } from "./location.ts";

export const place = signal<Place>(pageOf(location.hash));

addEventListener("hashchange", () => {
  place.value = pageOf(location.hash);
});

/** Goes to a place: a new entry of the browser's history, or with `replace` in place of the newest one. */
export function go(next: Place, replace = false): void {
  const hash = hashOf(next);
  if (hash === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", hash);
  place.value = pageOf(hash);
}
