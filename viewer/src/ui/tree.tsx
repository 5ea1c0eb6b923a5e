/** A value of any shape as a tree: nothing of it is markup, and no more of it is drawn than is asked for. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { cut, visible } from "./text.ts";

const STEP = 100; // entries that are drawn at once
const LONG = 2000; // characters of a text that are drawn at first
const DEEP = 2; // levels that are open at first

interface Props {
  readonly value: unknown;
  /** What stands after a value: what can be done with it. */
  readonly actions?: (path: string, value: unknown) => ComponentChildren;
  readonly path?: string;
  readonly depth?: number;
}

export function Tree({ value, actions, path = "", depth = 0 }: Props) {
  const [drawn, setDrawn] = useState(STEP);
  if (typeof value !== "object" || value === null)
    return <Scalar value={value} after={path && actions?.(path, value)} />;
  const entries = Object.entries(value);
  if (!entries.length) return <code class="leaf">{Array.isArray(value) ? "[]" : "{}"}</code>;
  return (
    <ul class="tree">
      {entries.slice(0, drawn).map(([key, child]) => (
        <Entry
          key={key}
          name={key}
          value={child}
          path={path ? `${path}.${key}` : key}
          depth={depth}
          actions={actions}
        />
      ))}
      {entries.length > drawn && (
        <li>
          <button type="button" class="link" onClick={() => setDrawn(drawn + STEP)}>
            {(entries.length - drawn).toLocaleString("en")} more; show {Math.min(STEP, entries.length - drawn)}
          </button>
        </li>
      )}
    </ul>
  );
}

interface EntryProps {
  readonly name: string;
  readonly value: unknown;
  readonly path: string;
  readonly depth: number;
  readonly actions: Props["actions"];
}

function Entry({ name, value, path, depth, actions }: EntryProps) {
  const [open, setOpen] = useState(depth < DEEP);
  const nested = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  const child = <Tree value={value} path={path} depth={depth + 1} {...(actions && { actions })} />;
  const label = <bdi class="key">{visible(cut(name, 200))}</bdi>;
  if (!nested) {
    return (
      <li>
        {label} {child}
      </li>
    );
  }
  return (
    <li>
      <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {label} <span class="faint">{countOf(value)}</span>
      </button>
      {open && child}
    </li>
  );
}

function Scalar({ value, after }: { readonly value: unknown; readonly after: ComponentChildren }) {
  const [whole, setWhole] = useState(false);
  const text = typeof value === "string" ? value : String(value);
  return (
    <>
      <bdi class={`leaf ${typeof value}`}>{visible(whole ? text : cut(text, LONG))}</bdi>
      {after}
      {text.length > LONG && !whole && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          Show all {text.length.toLocaleString("en")} characters
        </button>
      )}
    </>
  );
}

function countOf(value: object): string {
  const number = Object.keys(value).length;
  if (Array.isArray(value)) return `${number} ${number === 1 ? "item" : "items"}`;
  return `${number} ${number === 1 ? "field" : "fields"}`;
}
