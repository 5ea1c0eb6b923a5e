/** The histogram: which period a bar stands for, and bars where the API names none. */

export type Period = "minute" | "hour" | "day" | "month";

export interface Bars {
  /** Seconds since 1970: the beginning of each bar, ascending and without gaps. */
  readonly starts: readonly number[];
  readonly counts: readonly number[];
  /** How many of them are errors. */
  readonly bad: readonly number[];
  /** Seconds that a bar stands for. */
  readonly width: number;
}

const SECONDS: Readonly<Record<Period, number>> = { minute: 60, hour: 3600, day: 86_400, month: 2_629_800 };
const MOST_PERIODS = 900; // the API answers with the last thousand
const MOST_BARS = 120;

/** The shortest period of which the API answers with all in a span of seconds. */
export function periodOf(seconds: number, offered: readonly Period[]): Period {
  return offered.find((period) => seconds / SECONDS[period] <= MOST_PERIODS) ?? (offered.at(-1) as Period);
}

/**
 * Bars over a span (seconds since 1970) from counts by period, as the API has them: without those that have none.
 * Periods are put together where there are more of them than bars fit.
 */
export function barsOf(
  period: Period,
  span: { readonly from: number; readonly to: number },
  counts: ReadonlyMap<number, number>,
  bad: ReadonlyMap<number, number> = new Map(),
): Bars {
  const unit = SECONDS[period];
  const width = unit * Math.max(1, Math.ceil((span.to - span.from) / unit / MOST_BARS));
  const first = Math.floor(span.from / width) * width;
  const number = Math.max(1, Math.ceil((span.to - first) / width));
  const bars = {
    starts: Array.from({ length: number }, (_, bar) => first + bar * width),
    counts: new Array<number>(number).fill(0),
    bad: new Array<number>(number).fill(0),
    width,
  };
  const fill = (values: ReadonlyMap<number, number>, into: number[]) => {
    for (const [start, count] of values) {
      const bar = Math.min(number - 1, Math.max(0, Math.floor((start - first) / width)));
      into[bar] = (into[bar] ?? 0) + count;
    }
  };
  fill(counts, bars.counts);
  fill(bad, bars.bad);
  return bars;
}

/** Counts by the beginning of their period, in seconds, from an answer's groups. */
export function countsOf(groups: readonly { readonly key: unknown; readonly count: number }[]): Map<number, number> {
  return new Map(groups.map(({ key, count }) => [Date.parse(String(key)) / 1000, count]));
}
