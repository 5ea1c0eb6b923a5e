/** What a person prefers on this device: theme, density, and whose time. Kept in the browser, not in URLs. */
import { computed, effect, type Signal, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Density = "compact" | "normal" | "roomy";

export const theme = stored<Theme>("theme", "system", ["system", "light", "dark"]);
export const density = stored<Density>("density", "normal", ["compact", "normal", "roomy"]);
export const zone = stored<"local" | "utc">("zone", "local", ["local", "utc"]);

/** Height of a row in CSS pixels. */
export const ROW_HEIGHT: Readonly<Record<Density, number>> = { compact: 24, normal: 30, roomy: 38 };

const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", () => {
  systemIsDark.value = system.matches;
});

/** The theme in force. */
export const colours = computed<"light" | "dark">(() => {
  if (theme.value !== "system") return theme.value;
  return systemIsDark.value ? "dark" : "light";
});

effect(() => {
  document.documentElement.dataset.theme = colours.value;
  document.documentElement.dataset.density = density.value;
});

function stored<T extends string>(name: string, usual: T, values: readonly T[]): Signal<T> {
  const key = `chancery.${name}`;
  const found = localStorage.getItem(key) as T | null;
  const value = signal<T>(found && values.includes(found) ? found : usual);
  effect(() => localStorage.setItem(key, value.value));
  return value;
}
