/** The rows and bars of a search, as signals. One search at a time: a new one cuts off the one before. */
import { batch, signal } from "@preact/signals";
import { get, type Query } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/problems.ts";
import { type Bars, barsOf, countsOf, type Period, periodOf } from "../ui/buckets.ts";
import { boundsOf } from "../ui/range.ts";
import { askedOf, filteredHere, passes } from "./filters.ts";
import type { Row } from "./kinds.ts";
import type { View } from "./view.ts";

const PAGE = 100;
const ENOUGH = 60; // rows that a step of the search looks for
const MOST_PAGES = 8; // that a step reads: filters of this page may let nothing pass
const MOST_ROWS = 100_000;

interface Page {
  readonly items: readonly Row[];
  readonly nextCursor: string | null;
}

interface Groups {
  readonly groups: readonly { readonly key: unknown; readonly count: number }[];
  readonly sampledOneIn?: number;
}

export class Search {
  readonly rows = signal<readonly Row[]>([]);
  readonly state = signal<"loading" | "more" | "end">("loading");
  readonly problem = signal<ApiError | null>(null);
  readonly bars = signal<Bars | null>(null);
  /** How many the bars count in all; null where it is not known. `about`: it is an estimate from a sample. */
  readonly total = signal<{ readonly count: number; readonly about: boolean } | null>(null);
  /** Whether the last step found nothing, though there is more: filters of this page let nothing pass. */
  readonly stalled = signal(false);
  /** The moment up to which the search has looked. */
  readonly lookedTo = signal<string>("");
  /** The span of the search, as it was when it began. */
  readonly span = signal<{ readonly from: Date; readonly to: Date }>({ from: new Date(0), to: new Date(0) });

  private view: View | undefined;
  private cursor: string | null = null;
  private cancel = new AbortController();
  private readonly known = new Set<string>();

  /** Begins a search. Rows that are shown stay until the first page is there. */
  async begin(view: View): Promise<void> {
    this.cancel.abort();
    this.cancel = new AbortController();
    this.view = view;
    this.cursor = null;
    const now = new Date();
    const { from, to } = boundsOf(view.range, now);
    batch(() => {
      this.state.value = "loading";
      this.problem.value = null;
      this.lookedTo.value = "";
      this.span.value = { from, to: to ?? now };
    });
    await Promise.all([this.step(true), this.count()]);
  }

  /** Reads on, where there is more. */
  async more(): Promise<void> {
    if (this.state.value !== "more") return;
    this.state.value = "loading";
    await this.step(false);
  }

  /** Puts new rows in front; those that are there already are left out. Returns how many were new. */
  prepend(fresh: readonly Row[]): number {
    const here = this.view ? filteredHere(this.view.kind, this.view.filters) : [];
    const added = fresh.filter((row) => !this.known.has(row.refId) && passes(row, here));
    for (const row of added) this.known.add(row.refId);
    if (added.length) this.rows.value = [...added.toReversed(), ...this.rows.value].slice(0, MOST_ROWS);
    return added.length;
  }

  private async step(first: boolean): Promise<void> {
    const { view, cancel } = this;
    if (!view) return;
    const here = filteredHere(view.kind, view.filters);
    const found: Row[] = [];
    try {
      for (let pages = 0; pages < MOST_PAGES && found.length < ENOUGH; pages++) {
        const page = await get<Page>(view.kind.path, this.query(view), cancel.signal);
        if (cancel.signal.aborted) return;
        found.push(...page.items.filter((row) => passes(row, here)));
        this.cursor = page.nextCursor;
        const last = page.items.at(-1);
        if (last) this.lookedTo.value = last.createdOn;
        if (!this.cursor) break;
      }
      this.show(found, first);
    } catch (error) {
      if (cancel.signal.aborted) return;
      batch(() => {
        if (first) this.show([], true);
        else this.state.value = "more";
        this.problem.value = asApiError(error);
      });
    }
  }

  private show(found: readonly Row[], first: boolean): void {
    batch(() => {
      if (first) this.known.clear();
      const fresh = found.filter((row) => !this.known.has(row.refId));
      for (const row of fresh) this.known.add(row.refId);
      this.rows.value = first ? fresh : [...this.rows.value, ...fresh];
      this.stalled.value = fresh.length === 0;
      this.state.value = this.cursor && this.rows.value.length < MOST_ROWS ? "more" : "end";
    });
  }

  private async count(): Promise<void> {
    const { view, cancel } = this;
    if (!view) return;
    const isAudit = view.kind.id === "audit";
    const { from, to } = this.span.value;
    const span = { from: from.getTime() / 1000, to: to.getTime() / 1000 };
    const period = periodOf(span.to - span.from, isAudit ? AUDIT_PERIODS : LOG_PERIODS);
    const path = isAudit ? "/audit-logs/stats" : `${view.kind.path}/aggregate`;
    const query: Query = { ...this.filters(view), to: to.toISOString(), groupBy: period };
    try {
      const [all, bad] = await Promise.all([
        get<Groups>(path, query, cancel.signal),
        isAudit || query.level ? null : get<Groups>(path, { ...query, level: "error" }, cancel.signal),
      ]);
      if (cancel.signal.aborted) return;
      batch(() => {
        this.bars.value = barsOf(period, span, countsOf(all.groups), countsOf(bad?.groups ?? []));
        const count = all.groups.reduce((sum, group) => sum + group.count, 0);
        this.total.value = { count, about: (all.sampledOneIn ?? 1) > 1 };
      });
    } catch {
      if (cancel.signal.aborted) return;
      batch(() => {
        this.bars.value = null; // the rows are there without it; their own error is shown
        this.total.value = null;
      });
    }
  }

  private query(view: View): Query {
    return { ...this.filters(view), limit: PAGE, cursor: this.cursor ?? undefined };
  }

  private filters(view: View): Query {
    const { from, to } = this.span.value;
    const end = "last" in view.range || !view.range.to ? undefined : to.toISOString();
    return {
      ...askedOf(view.kind, view.filters),
      q: view.words || undefined,
      from: from.toISOString(),
      to: end,
      tenantId: view.tenant || undefined,
    };
  }
}

const AUDIT_PERIODS: readonly Period[] = ["minute", "hour", "day", "month"];
const LOG_PERIODS: readonly Period[] = ["minute", "hour", "day"];
