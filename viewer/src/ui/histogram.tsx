/** Bars over time; dragging over them chooses a span. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colours, zone } from "../state/preferences.ts";
import type { Bars } from "./buckets.ts";

interface Props {
  readonly bars: Bars;
  readonly label: string;
  /** Seconds since 1970. */
  readonly onChoose: (from: number, to: number) => void;
}

export function Histogram({ bars, label, onChoose }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const theme = colours.value;
  const inUtc = zone.value === "utc";

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const plot = new uPlot(
      options(element.clientWidth, bars, inUtc, (from, to) => choose.current(from, to)),
      data(bars),
      element,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [bars, theme, inUtc]);

  return <div class="histogram" ref={place} role="img" aria-label={label} />;
}

const HEIGHT = 74;

function data(bars: Bars): uPlot.AlignedData {
  return [[...bars.starts], [...bars.counts], [...bars.bad]];
}

function options(width: number, bars: Bars, inUtc: boolean, choose: (from: number, to: number) => void): uPlot.Options {
  const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = uPlot.paths.bars?.({ size: [0.8, 40], align: 1 });
  const series = (stroke: string): uPlot.Series => ({
    stroke,
    fill: stroke,
    width: 0,
    points: { show: false },
    ...(drawn && { paths: drawn }),
  });
  const end = (bars.starts.at(-1) ?? 0) + bars.width;
  return {
    width,
    height: HEIGHT,
    ...(inUtc && { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") }),
    legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: {
      x: { time: true, range: () => [bars.starts[0] ?? 0, end] },
      y: { range: (_, __, most) => [0, Math.max(1, most)] },
    },
    axes: [
      {
        stroke: token("--ink-3"),
        font: `11px ${token("--mono")}`,
        grid: { show: false },
        ticks: { show: false },
        size: 20,
        space: 64,
        values: (_, splits) => splits.map((seconds) => tick(seconds, end - (bars.starts[0] ?? 0), inUtc)),
      },
      { show: false },
    ],
    series: [{}, series(token("--accent-bar")), series(token("--bad"))],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 4) return;
          choose(plot.posToVal(left, "x"), plot.posToVal(left + wide, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Under the bars: the day, or the time of day where the span is short. */
function tick(seconds: number, span: number, inUtc: boolean): string {
  const format: Intl.DateTimeFormatOptions =
    span > 400 * 86_400
      ? { month: "short", year: "numeric" }
      : span > 2 * 86_400
        ? { day: "numeric", month: "short" }
        : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Date(seconds * 1000).toLocaleString("en-GB", { ...format, ...(inUtc && { timeZone: "UTC" }) });
}
