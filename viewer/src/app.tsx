/** The shell: who is signed in, where to go, and the page. */
import { useEffect } from "preact/hooks";
import { person } from "./api/session.ts";
import { Header } from "./header.tsx";
import { PAGES, type Page } from "./pages.ts";
import { SignInPage } from "./sign-in.tsx";
import { go, place } from "./state/place.ts";
import { type Key, Keys } from "./ui/keys.tsx";

export function App() {
  const found = person.value;
  useEffect(() => {
    document.title = found || pageOf().open ? `${pageOf().label} · Chancery` : "Sign in · Chancery";
  });
  if (found === undefined) return <p class="starting">{"\u00a0"}</p>;
  const page = pageOf();
  if (found === null) return page.open ? <OpenPage page={page} /> : <SignInPage />;
  return (
    <div class="app">
      {/* biome-ignore lint/a11y/useValidAnchor: it moves the focus, and the hash is the view */}
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header person={found} />
      <nav aria-label="Pages">
        {PAGES.map((item) => (
          <a key={item.id} href={`#/${item.id}`} aria-current={item === page ? "page" : undefined}>
            {item.label} <kbd aria-hidden="true">g {item.key}</kbd>
          </a>
        ))}
      </nav>
      <page.show />
      <Keys keys={KEYS_OF.get(page) ?? []} />
    </div>
  );
}

/** A page without the shell, for those who are not signed in. */
function OpenPage({ page }: { readonly page: Page }) {
  return (
    <div class="open-page">
      <p>
        <a href="#/explore">Sign in to read records</a>
      </p>
      <page.show />
    </div>
  );
}

const JUMPS: readonly Key[] = PAGES.map(({ id, label, key }) => ({
  keys: `g ${key}`,
  does: label,
  run: () => go({ page: id, query: {} }),
}));
const KEYS_OF = new Map(PAGES.map((page) => [page, [...page.keys, ...JUMPS]]));

function pageOf() {
  return PAGES.find((item) => item.id === place.value.page) ?? (PAGES[0] as (typeof PAGES)[number]);
}

/** The hash is the view, so a link to a part of the page moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  const main = document.getElementById("main");
  main?.setAttribute("tabindex", "-1");
  main?.focus();
}
