/** The top line: the tenant, who is signed in as what, whose time, which theme. */
import { useState } from "preact/hooks";
import type { Person } from "./api/claims.ts";
import { signOut } from "./api/session.ts";
import { go, place } from "./state/place.ts";
import { type Theme, theme, zone } from "./state/preferences.ts";
import { showKeys } from "./ui/keys.tsx";
import { Menu } from "./ui/parts.tsx";
import { visible } from "./ui/text.ts";
import { offset } from "./ui/time.ts";

export function Header({ person }: { readonly person: Person }) {
  return (
    <header>
      <span class="mark">
        <i aria-hidden="true">C</i>Chancery
      </span>
      <Tenant person={person} />
      <span class="spring" />
      <button type="button" class="link keys-button" onClick={showKeys}>
        Keys <kbd>?</kbd>
      </button>
      <Menu label={<bdi>{visible(person.name)}</bdi>} title="Who is signed in">
        <p class="note">
          <bdi>{visible(person.subject)}</bdi> · {person.role.replace("_", " ")}
        </p>
        <div class="choices">
          <Choice
            name="Theme"
            value={theme.value}
            options={["system", "light", "dark"]}
            onChange={(chosen) => setTheme(chosen as Theme)}
          />
          <Choice name="Times" value={zone.value} options={["local", "utc"]} onChange={setZone} />
        </div>
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </Menu>
      <span class="who">
        {person.role.replace("_", " ")} · {offset(new Date(), zone.value)}
      </span>
    </header>
  );
}

function setTheme(chosen: Theme): void {
  theme.value = chosen;
}

function setZone(chosen: string): void {
  zone.value = chosen === "utc" ? "utc" : "local";
}

/** Tenants that a token names are chosen from; a super_admin, who may read all, names one. */
function Tenant({ person }: { readonly person: Person }) {
  const chosen = place.value.query.tenant ?? "";
  const choose = (tenant: string) =>
    go({ page: place.peek().page, query: { ...place.peek().query, tenant, open: "" } });
  if (person.role === "super_admin") return <NamedTenant key={chosen} chosen={chosen} choose={choose} />;
  const own = person.tenants[0] ?? "";
  if (person.tenants.length < 2 || person.role === "user") {
    return (
      <span class="tenant">
        Tenant <b>{visible(own)}</b>
      </span>
    );
  }
  return (
    <label class="tenant">
      Tenant{" "}
      <select
        value={chosen || own}
        onChange={(event) => choose(event.currentTarget.value === own ? "" : event.currentTarget.value)}
      >
        {person.tenants.map((tenant) => (
          <option key={tenant}>{tenant}</option>
        ))}
      </select>
    </label>
  );
}

function NamedTenant({ chosen, choose }: { readonly chosen: string; readonly choose: (tenant: string) => void }) {
  const [text, setText] = useState(chosen);
  return (
    <form
      class="tenant"
      onSubmit={(event) => {
        event.preventDefault();
        choose(text.trim());
      }}
    >
      <label>
        Tenant{" "}
        <input
          id="tenant"
          size={12}
          placeholder="all"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="link">
        {chosen && text.trim() === chosen ? "chosen" : "Choose"}
      </button>
    </form>
  );
}

function Choice(props: {
  readonly name: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly onChange: (value: string) => void;
}) {
  return (
    <label>
      {props.name}{" "}
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.options.map((option) => (
          <option key={option} value={option}>
            {option === "utc" ? "UTC" : option}
          </option>
        ))}
      </select>
    </label>
  );
}
