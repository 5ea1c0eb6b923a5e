/** The pinned keys, and a form to pin one. */
import { useId, useState } from "preact/hooks";
import { zone } from "../state/preferences.ts";
import { day } from "../ui/time.ts";
import { expected } from "./errors.ts";
import { type PinnedKey, pin, pinnedKeys, unpin } from "./pinned-keys.ts";
import { nameOf } from "./signed-notes.ts";

export function Pins() {
  return (
    <div class="pins">
      {pinnedKeys.value.length > 0 && (
        <ul>
          {pinnedKeys.value.map((pinned) => (
            <Pin key={nameOf(pinned.key)} pinned={pinned} />
          ))}
        </ul>
      )}
      <PinForm />
    </div>
  );
}

function Pin({ pinned }: { readonly pinned: PinnedKey }) {
  const moment = new Date(pinned.pinnedOn);
  const since = Number.isNaN(moment.getTime()) ? "" : ` since ${day(moment, zone.value)}`;
  return (
    <li>
      <code>
        <bdi>{nameOf(pinned.key)}</bdi>
      </code>
      <span class="faint">
        pinned{since}
        {pinned.remembered ? "" : ", until this page is closed"}
      </span>
      <button type="button" class="link" onClick={() => unpin(pinned.key)}>
        Remove<span class="hidden"> {nameOf(pinned.key)}</span>
      </button>
    </li>
  );
}

function PinForm() {
  const id = useId();
  const [text, setText] = useState("");
  const [remembered, setRemembered] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    try {
      pin(text, remembered);
      setText("");
      setProblem("");
    } catch (error) {
      setProblem(`This ${expected(error).what}.`);
    }
  };
  return (
    <form class="pin-form" onSubmit={submit}>
      <label htmlFor={id}>Pin a verifier key</label>
      <p class="note" id={`${id}-help`}>
        Paste the key (<code>name+id+base64</code>) that you got from somewhere else than this server, for example by{" "}
        <code>chancery verifier-key</code> when the log was new.
      </p>
      <input
        id={id}
        class="mono"
        value={text}
        spellcheck={false}
        autocomplete="off"
        aria-describedby={`${id}-help ${id}-problem`}
        aria-invalid={problem !== ""}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <p class="pin-actions">
        <label>
          <input type="checkbox" checked={remembered} onChange={() => setRemembered(!remembered)} /> Remember in this
          browser
        </label>
        <button type="submit" disabled={!text.trim()}>
          Pin
        </button>
      </p>
      <p id={`${id}-problem`} class="bad" role="alert">
        {problem}
      </p>
    </form>
  );
}
