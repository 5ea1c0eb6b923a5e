/** A component that is loaded when it is first shown, as a chunk of its own. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Waiting } from "./parts.tsx";

/** The component that `load` gives. Until then, and where it cannot be loaded, a sentence. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [Shown, setShown] = useState(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Shown) return;
      load().then(
        (found) => {
          loaded = found;
          setShown(() => found);
        },
        () => setFailed(true),
      );
    }, [Shown]);
    if (Shown) return <Shown {...props} />;
    if (failed) return <p class="problem">This part could not be loaded. Load the page again.</p>;
    return <Waiting>Loading…</Waiting>;
  };
}
