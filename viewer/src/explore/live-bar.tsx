/** The state of the live view: connected or not, paused, how many rows wait. */
import { leftOut, paused, showWaiting, tail, togglePause, view, waiting } from "./store.ts";

const WORDS = {
  off: "Live is off",
  connecting: "Connecting…",
  live: "Live: new records appear here as they are stored",
  lost: "The connection is lost; connecting again. Nothing will be missing",
} as const;

export function LiveBar() {
  if (!view.value.live) return null;
  const state = tail.state.value;
  const refused = tail.problem.value;
  const count = waiting.value;
  return (
    <div class={`live-bar ${state}`} role="status" data-state={paused.value ? "paused" : state}>
      <span class="dot" aria-hidden="true" />
      <span>{refused || (paused.value ? "Paused" : WORDS[state])}</span>
      {count > 0 && (
        <button type="button" class="link" onClick={showWaiting}>
          {count.toLocaleString("en")} new {count === 1 ? "waits" : "wait"}; show
        </button>
      )}
      {tail.dropped.value + leftOut.value > 0 && (
        <span>{(tail.dropped.value + leftOut.value).toLocaleString("en")} were left out; search for them by time</span>
      )}
      <button type="button" class="link" aria-pressed={paused.value} onClick={togglePause}>
        {paused.value ? "Resume" : "Pause"}
      </button>
    </div>
  );
}
