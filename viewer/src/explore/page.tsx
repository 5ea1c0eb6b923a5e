/** Explore: audit and logs in one place; a list, and the record that is open next to it. */
import { useEffect } from "preact/hooks";
import { place } from "../state/place.ts";
import { Histogram } from "../ui/histogram.tsx";
import { ProblemNote } from "../ui/parts.tsx";
import { Details } from "./details.tsx";
import { LiveBar } from "./live-bar.tsx";
import { change, follow, needsTenant, search, view } from "./store.ts";
import { Summary } from "./summary.tsx";
import { Table } from "./table.tsx";
import { Toolbar } from "./toolbar.tsx";

export function ExplorePage() {
  useEffect(follow, []);
  const open = place.value.query.open;
  return (
    <div class={open ? "explore with-details" : "explore"}>
      <main class="results" id="main">
        <h1 class="hidden">Explore</h1>
        <Toolbar />
        {needsTenant.value ? (
          <p class="empty">Name a tenant at the top: logs, and live views, are those of one tenant.</p>
        ) : (
          <Results />
        )}
      </main>
      {open && (
        <Details key={`${view.value.kind.id} ${open}`} kind={view.value.kind} refId={open} tenant={view.value.tenant} />
      )}
    </div>
  );
}

function Results() {
  const problem = search.problem.value;
  const bars = search.bars.value;
  const zoom = (from: number, to: number) =>
    change({ range: { from: new Date(from * 1000), to: new Date(to * 1000) }, live: false });
  return (
    <>
      <div class="histogram-place">
        {bars && <Histogram bars={bars} label={histogramLabel(bars.counts)} onChoose={zoom} />}
      </div>
      <Summary />
      <LiveBar />
      {problem && <ProblemNote problem={problem} retry={() => void search.begin(view.peek())} />}
      <Table />
    </>
  );
}

function histogramLabel(counts: readonly number[]): string {
  const most = Math.max(0, ...counts);
  return `Records over time: ${counts.length} periods, at most ${most} in one. Drag over them to zoom in.`;
}
