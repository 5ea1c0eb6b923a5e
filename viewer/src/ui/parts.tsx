/** Small parts that every page uses. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/problems.ts";

/** An error: what happened, what can be done, and the trace id to copy. */
export function ProblemNote({ problem, retry }: { readonly problem: ApiError; readonly retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p>{problem.message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
      {problem.traceId && <CopyButton text={problem.traceId}>Copy trace id {problem.traceId.slice(0, 8)}…</CopyButton>}
    </div>
  );
}

export function CopyButton({ text, children }: { readonly text: string; readonly children: ComponentChildren }) {
  const [copied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <button type="button" class="link" onClick={copy} onBlur={() => setCopied(false)}>
      {copied ? "Copied" : children}
    </button>
  );
}

/** A button that opens a small pane below it; Escape and a click elsewhere close it. */
export function Menu({
  label,
  title,
  children,
}: {
  readonly label: ComponentChildren;
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const element = menu.current;
      if (!element?.open || (event instanceof KeyboardEvent && event.key !== "Escape")) return;
      if (!(event instanceof KeyboardEvent) && element.contains(event.target as Node)) return;
      element.open = false;
      if (event instanceof KeyboardEvent) {
        event.stopPropagation();
        element.querySelector("summary")?.focus();
      }
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close, true);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close, true);
    };
  }, []);
  return (
    <details class="menu" ref={menu}>
      <summary class="button" title={title}>
        {label} <span aria-hidden="true">▾</span>
      </summary>
      <div class="menu-pane">{children}</div>
    </details>
  );
}

/** Something that appears only after 200 ms: what answers sooner is not announced. */
export function Waiting({ children }: { readonly children: ComponentChildren }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return <p class="note">{shown ? children : "\u00a0"}</p>;
}
