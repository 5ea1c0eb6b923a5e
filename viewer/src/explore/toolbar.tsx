/** What is searched: kind, filters and words, time, live. */
import { useRef, useState } from "preact/hooks";
import { get } from "../api/client.ts";
import { visible } from "../ui/text.ts";
import { TimeRange } from "../ui/time-range.tsx";
import { at, typedFilter } from "./filters.ts";
import { KINDS, titleOf } from "./kinds.ts";
import { addFilter, change, search, view } from "./store.ts";
import { ofKind } from "./view.ts";

export function Toolbar() {
  const { kind, range, live } = view.value;
  return (
    <search class="toolbar">
      <select
        aria-label="What to search"
        value={kind.id}
        onChange={(event) => {
          const chosen = KINDS.find((item) => item.id === event.currentTarget.value);
          if (chosen) change(ofKind(view.peek(), chosen));
        }}
      >
        {KINDS.map((item) => (
          <option key={item.id} value={item.id}>
            {item.label}
          </option>
        ))}
      </select>
      <FilterBar />
      <TimeRange range={range} onChange={(chosen) => change({ range: chosen, live: live && "last" in chosen })} />
      <button
        type="button"
        class={live ? "button live on" : "button live"}
        aria-pressed={live}
        title="Show new records as they come (l)"
        onClick={() => change({ live: !live, ...(!live && "from" in range && { range: { last: kind.range } }) })}
      >
        Live
      </button>
    </search>
  );
}

function FilterBar() {
  const { kind, filters, words } = view.value;
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const submit = () => {
    const typed = text.trim();
    if (!typed) return;
    const filter = typedFilter(typed, kind);
    if (filter) addFilter(filter);
    else change({ words: words ? `${words} ${typed}` : typed });
    setText("");
  };
  const removeLast = () => {
    if (words) change({ words: "" });
    else change({ filters: filters.slice(0, -1) });
  };
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {filters.map((filter) => (
        <button
          type="button"
          key={`${filter.field} ${filter.value} ${filter.not}`}
          class={filter.not ? "chip no" : "chip"}
          title="Remove this filter"
          onClick={() => change({ filters: filters.filter((other) => other !== filter) })}
        >
          {titleOf(filter.field)} <b>{filter.not ? "is not" : "is"}</b> <bdi>{visible(filter.value)}</bdi>{" "}
          <span aria-hidden="true">×</span>
          <span class="hidden">Remove</span>
        </button>
      ))}
      {words && (
        <button type="button" class="chip" title="Remove these words" onClick={() => change({ words: "" })}>
          <b>words</b> <bdi>{visible(words)}</bdi> <span aria-hidden="true">×</span>
          <span class="hidden">Remove</span>
        </button>
      )}
      <input
        ref={input}
        id="filter"
        type="text"
        dir="auto"
        autocomplete="off"
        spellcheck={false}
        list="suggestions"
        aria-label="Words, or a field with its value, for example actorId:sarah"
        placeholder={filters.length || words ? "" : "Words, or field:value"}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Backspace" && !text) removeLast();
          if (event.key === "Escape") input.current?.blur();
        }}
      />
      <Suggestions text={text} />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

let catalogued: readonly string[] = [];

/** Fields, and the values of a field: those of the rows that are loaded, and the catalogue's actions. */
function Suggestions({ text }: { readonly text: string }) {
  const kind = view.value.kind;
  const [, loaded] = useState(0);
  const [, minus = "", field = ""] = /^(-?)(\w*)/.exec(text) ?? [];
  if (field === "action" && !catalogued.length) {
    void get<{ actions: { action: string }[] }>("/audit-catalog").then(
      (answer) => {
        catalogued = answer.actions.map((action) => action.action);
        loaded(catalogued.length);
      },
      () => {},
    );
  }
  const fields = kind.listed.filter((name) => name !== "what" && name !== "actor" && name !== "createdOn");
  const isValue = text.includes(":") && fields.includes(field);
  const values = isValue ? [...new Set([...valuesOf(field), ...(field === "action" ? catalogued : [])])] : [];
  const offered = isValue
    ? values.map((value) => `${minus}${field}:${value}`)
    : text
      ? fields.map((name) => `${minus}${name}:`)
      : [];
  return (
    <datalist id="suggestions">
      {offered.slice(0, 200).map((option) => (
        <option key={option} value={option} />
      ))}
    </datalist>
  );
}

function valuesOf(field: string): string[] {
  const values = search.rows.value.slice(0, 500).map((row) => at(row, field));
  return values.filter((value) => value !== undefined && value !== null && typeof value !== "object").map(String);
}
