/** A list of any length, of which only the rows in sight are in the document. */
import {
  elementScroll,
  measureElement,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from "@tanstack/virtual-core";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";

interface Props {
  readonly count: number;
  readonly rowHeight: number;
  /** Rows are as high as what is in them. */
  readonly measured: boolean;
  readonly label: string;
  /** The row to keep in sight; -1 for none. */
  readonly at: number;
  readonly row: (index: number) => ComponentChildren;
  readonly keyOf: (index: number) => string;
  /** The end is near. */
  readonly onEnd: () => void;
  readonly onScroll: (top: number) => void;
}

export function VirtualList({ count, rowHeight, measured, label, at, row, keyOf, onEnd, onScroll }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, update] = useReducer((value: number) => value + 1, 0);
  const list = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    overscan: 12,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    measureElement,
    initialRect: { width: 800, height: 800 },
    onChange: () => update(0),
  };
  list.current ??= new Virtualizer(options);
  const virtualizer = list.current;
  virtualizer.setOptions({ ...virtualizer.options, ...options });

  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useEffect(() => virtualizer.measure(), [virtualizer, rowHeight, measured]);
  useEffect(() => {
    if (at >= 0 && at < count) virtualizer.scrollToIndex(at, { align: "auto" });
  }, [virtualizer, at, count]);

  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (count && last >= count - 20) onEnd();
  }, [last, count, onEnd]);

  return (
    <div
      class="rows"
      ref={scroller}
      role="rowgroup"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must take the focus (WCAG 2.1.1)
      tabIndex={0}
      aria-label={label}
      onScroll={(event) => onScroll(event.currentTarget.scrollTop)}
    >
      <div class="rows-all" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {items.map((item) => (
          <div
            key={item.key}
            class="rows-one"
            data-index={item.index}
            ref={(element) => virtualizer.measureElement(measured ? element : null)}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  );
}
