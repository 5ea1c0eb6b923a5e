/** The state of Explore: the view of the URL, its search, the live tail, and the row that the keyboard is at. */
import { batch, computed, effect, signal } from "@preact/signals";
import type { LiveRecord } from "../api/frames.ts";
import { LiveTail, type Subscription } from "../api/live.ts";
import { person } from "../api/session.ts";
import { go, place } from "../state/place.ts";
import { askedOf, type Filter, withFilter } from "./filters.ts";
import { AUDIT, type Row } from "./kinds.ts";
import { Search } from "./search.ts";
import { queryOf, searchKey, type View, viewOf } from "./view.ts";

const MOST_WAITING = 5000; // rows that wait while the live view is paused

export const view = computed(() => {
  const found = viewOf(place.value.page === "explore" ? place.value.query : {});
  return found.tenant || person.value?.role !== "super_admin" ? found : { ...found, tenant: "" };
});
export const search = new Search();
/** The index of the row that the keyboard is at; -1 for none. */
export const at = signal(-1);
export const paused = signal(false);
const held = signal<readonly Row[]>([]);
/** How many live rows wait to be shown, and how many more were left out of those. */
export const waiting = computed(() => held.value.length);
export const leftOut = signal(0);
/** Whether the list is scrolled to its beginning: only then may rows be put in front of what is read. */
export const atTop = signal(true);
/** A super_admin who names no tenant can read the audit trail of all, and the logs of none. */
export const needsTenant = computed(
  () => person.value?.role === "super_admin" && !view.value.tenant && (view.value.kind !== AUDIT || view.value.live),
);

export const tail = new LiveTail(take, () => void search.begin(view.peek()));

/** Shows the view with some things changed. */
export function change(changes: Partial<View>, replace = false): void {
  go({ page: "explore", query: queryOf({ ...view.peek(), ...changes }) }, replace);
}

export function addFilter(filter: Filter): void {
  change({ filters: withFilter(view.peek().filters, filter), open: view.peek().open });
}

/** Opens the record of a row, by its index. */
export function openRow(index: number): void {
  const row = search.rows.peek()[index];
  if (!row) return;
  at.value = index;
  change({ open: row.refId }, view.peek().open !== "");
}

/** Moves to the next row (1) or the one before (-1); what is open follows. */
export function move(by: 1 | -1): void {
  const next = Math.min(search.rows.peek().length - 1, Math.max(0, at.peek() + by));
  if (view.peek().open) openRow(next);
  else at.value = next;
}

export function togglePause(): void {
  paused.value = !paused.peek();
  if (!paused.peek()) showWaiting();
}

/** Puts the rows that wait in front of the list. */
export function showWaiting(): void {
  batch(() => {
    const added = search.prepend(held.peek());
    if (at.peek() >= 0) at.value += added;
    held.value = [];
    leftOut.value = 0;
  });
}

function take(records: LiveRecord[]): void {
  const kind = view.peek().kind;
  const rows = records
    .filter((item) => kind === AUDIT || item.kind === kind.id)
    .map((item) => item.record as Row)
    .filter((row) => row.createdOn !== undefined);
  const all = [...held.peek(), ...rows];
  batch(() => {
    leftOut.value += Math.max(0, all.length - MOST_WAITING);
    held.value = all.slice(-MOST_WAITING);
    if (!paused.peek() && atTop.peek()) showWaiting();
  });
}

const wanted = computed(() => searchKey(view.value));
const liveWanted = computed(() => (view.value.live && !needsTenant.value ? wanted.value : ""));

/** Follows the URL for as long as the page is shown; returns what ends it. */
export function follow(): () => void {
  const ends = [
    effect(() => {
      wanted.value;
      if (!person.value || needsTenant.value) return;
      at.value = -1;
      void search.begin(view.peek());
    }),
    effect(() => {
      const on = liveWanted.value !== "";
      batch(() => {
        paused.value = false;
        held.value = [];
        leftOut.value = 0;
      });
      if (on) tail.open(subscriptionOf(view.peek()));
      else tail.close();
    }),
    effect(() => {
      if (atTop.value && !paused.value && held.value.length) showWaiting();
    }),
  ];
  return () => {
    for (const end of ends) end();
    tail.close();
  };
}

function subscriptionOf({ kind, filters, words, tenant }: View): Subscription {
  const given = { ...askedOf(kind, filters), ...(words && { q: words }) };
  const feed = kind === AUDIT ? { audit: given } : { logs: { kinds: [kind.id], ...subscribable(given) } };
  return { ...feed, ...(tenant && { tenantId: tenant }) };
}

/** Filters of the logs' live tail; the other ones of a search are done in this page. */
function subscribable(given: Readonly<Record<string, string>>): Record<string, string> {
  const offered = ["level", "userId", "sessionId", "activityId", "traceId", "endpoint", "logger", "fingerprint", "q"];
  return Object.fromEntries(Object.entries(given).filter(([name]) => offered.includes(name)));
}
