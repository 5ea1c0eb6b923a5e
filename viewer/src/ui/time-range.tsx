/** Chooses a span of time: the last so long, or from one moment to another. */
import { useState } from "preact/hooks";
import { zone } from "../state/preferences.ts";
import { Menu } from "./parts.tsx";
import { boundsOf, PRESETS, presetLabel, type Range } from "./range.ts";
import { fullTime, inputTime, momentOf } from "./time.ts";

interface Props {
  readonly range: Range;
  readonly onChange: (range: Range) => void;
}

export function TimeRange({ range, onChange }: Props) {
  return (
    <Menu label={labelOf(range)} title="Span of time">
      <ul class="choices">
        {PRESETS.map((last) => (
          <li key={last}>
            <button
              type="button"
              aria-pressed={"last" in range && range.last === last}
              onClick={() => onChange({ last })}
            >
              {presetLabel(last)}
            </button>
          </li>
        ))}
      </ul>
      <Moments range={range} onChange={onChange} />
    </Menu>
  );
}

function Moments({ range, onChange }: Props) {
  const bounds = boundsOf(range, new Date());
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const shownFrom = from || inputTime(bounds.from, zone.value);
  const shownTo = to || (bounds.to ? inputTime(bounds.to, zone.value) : "");
  const start = momentOf(shownFrom, zone.value);
  const end = shownTo ? momentOf(shownTo, zone.value) : null;
  const valid = start && (!end || end > start);
  return (
    <form
      class="moments"
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) onChange({ from: start, to: end });
      }}
    >
      <label>
        From{" "}
        <input
          type="datetime-local"
          step="1"
          value={shownFrom}
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label>
        To{" "}
        <input type="datetime-local" step="1" value={shownTo} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <p class="note">
        {valid
          ? `In ${zone.value === "utc" ? "UTC" : "your time"}. Without an end it is up to now.`
          : "The end must be after the beginning."}
      </p>
      <button type="submit" disabled={!valid}>
        Apply
      </button>
    </form>
  );
}

function labelOf(range: Range): string {
  if ("last" in range) return presetLabel(range.last);
  const short = (moment: Date) => fullTime(moment, zone.value).slice(0, 16);
  return range.to ? `${short(range.from)} to ${short(range.to)}` : `Since ${short(range.from)}`;
}
