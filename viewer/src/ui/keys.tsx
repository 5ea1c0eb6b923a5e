/** Keys of the page, and the pane that shows them. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { tinykeys } from "tinykeys";

export interface Key {
  /** As tinykeys has it: `j`, `g e`. */
  readonly keys: string;
  /** As a person reads it, where that is different. */
  readonly label?: string;
  readonly does: string;
  readonly run: () => void;
}

const shown = signal(false);

export function showKeys(): void {
  shown.value = true;
}

/** Takes the keys of a page; `?` shows them. */
export function Keys({ keys }: { readonly keys: readonly Key[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const all = [...keys, { keys: "?", does: "", run: showKeys }, { keys: "Shift+?", does: "", run: showKeys }];
    const bindings = Object.fromEntries(all.map((key) => [key.keys, unlessTyping(key.run)]));
    return tinykeys(window, bindings, { ignore: (event) => event.isComposing }); // a key that is held down repeats
  }, [keys]);
  const open = shown.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-label="Keys"
      onClose={() => {
        shown.value = false;
      }}
    >
      {open && (
        <form method="dialog">
          <h2>Keys</h2>
          <dl>
            {[...keys, { keys: "?", does: "show these keys" }].map((key) => [
              <dt key={key.keys}>
                <kbd>{"label" in key ? key.label : key.keys}</kbd>
              </dt>,
              <dd key={key.does}>{key.does}</dd>,
            ])}
          </dl>
          <button type="submit">Close</button>
        </form>
      )}
    </dialog>
  );
}

/** Keys are the page's only where no field, button or dialog has the focus that takes them itself. */
function unlessTyping(run: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    const target = event.target as HTMLElement;
    const takesText = target.matches("input, select, textarea, [contenteditable]");
    const takesEnter = event.key === "Enter" && target.matches("button, a, summary");
    if (takesText || takesEnter || event.defaultPrevented || target.closest("dialog")) return;
    event.preventDefault();
    run();
  };
}
