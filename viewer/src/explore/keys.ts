/** The keys of Explore. */
import type { Key } from "../ui/keys.tsx";
import { at, change, move, openRow, togglePause, view } from "./store.ts";

export const KEYS: readonly Key[] = [
  { keys: "/", does: "search: words, or field:value", run: () => document.getElementById("filter")?.focus() },
  { keys: "j", does: "next record", run: () => move(1) },
  { keys: "k", does: "previous record", run: () => move(-1) },
  { keys: "Enter", does: "open the record", run: () => openRow(at.peek()) },
  { keys: "Escape", label: "Esc", does: "close the record", run: () => view.peek().open && change({ open: "" }) },
  { keys: "l", does: "live on and off", run: () => change({ live: !view.peek().live }) },
  { keys: "p", does: "pause and resume live", run: togglePause },
  { keys: "w", does: "wrap long lines", run: () => change({ wrap: !view.peek().wrap }, true) },
  { keys: "c", does: "copy a link to this view", run: () => void navigator.clipboard.writeText(location.href) },
];
