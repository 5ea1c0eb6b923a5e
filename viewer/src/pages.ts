/** Every page: a new one is a folder in src/ and a line here. */
import type { ComponentType } from "preact";
import { KEYS } from "./explore/keys.ts";
import { ExplorePage } from "./explore/page.tsx";
import type { Key } from "./ui/keys.tsx";
import { lazy } from "./ui/lazy.tsx";

export interface Page {
  /** Of the URL: `#/explore`. */
  readonly id: string;
  readonly label: string;
  /** Opens it after `g`. */
  readonly key: string;
  readonly show: ComponentType;
  readonly keys: readonly Key[];
  /** Whether it is for everybody, signed in or not. */
  readonly open?: true;
}

const VerifyPage = lazy(async () => (await import("./verify/page.tsx")).VerifyPage);

export const PAGES: readonly Page[] = [
  { id: "explore", label: "Explore", key: "e", show: ExplorePage, keys: KEYS },
  { id: "verify", label: "Verify a file", key: "v", show: VerifyPage, keys: [], open: true },
];
