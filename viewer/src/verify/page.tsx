/** Files that are dropped on the page are verified here, in the browser: no request leaves it. */
import { useEffect, useId, useState } from "preact/hooks";
import { prepareEd25519 } from "../proof/ed25519.ts";
import { VerificationError } from "../proof/errors.ts";
import { pin, pinnedKeys } from "../proof/pinned-keys.ts";
import { Pins } from "../proof/pins.tsx";
import { ReportView } from "../proof/report.tsx";
import type { Report } from "../proof/steps.ts";
import { oneLine } from "../ui/text.ts";
import { complete, type GivenFile, missing, ROLES, roleOf, totalBytes, verifyFiles, withFile } from "./files.ts";

type State = null | { readonly done: number } | { readonly report: Report } | { readonly problem: string };

export function VerifyPage() {
  const [files, setFiles] = useState<readonly GivenFile[]>([]);
  const [leafless, setLeafless] = useState(0);
  const [over, setOver] = useState(false);
  const state = useVerification(files, leafless);
  const take = async (given: FileList | null | undefined) => {
    const found = await recognized([...(given ?? [])]);
    setFiles((files) => found.reduce(withFile, files));
  };
  useEffect(() => void prepareEd25519(), []);
  return (
    <main
      id="main"
      class="verify"
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files);
      }}
    >
      <h1>Verify a file</h1>
      <p class="note">
        Drop an export with its <code>.proof</code>, a record with its proof, an archived month with proof and manifest,
        or two checkpoints of a log. Everything is verified in this browser; nothing is sent.
      </p>
      <Chooser onChoose={(chosen) => void take(chosen)} />
      <Given files={files} onClear={() => setFiles([])} />
      {files.some(({ role }) => role === "archiveProof") && <Leafless value={leafless} onChange={setLeafless} />}
      <div role="status" aria-live="polite">
        <Result files={files} state={state} />
      </div>
      {state && "done" in state && <progress value={state.done} aria-label="Verified" />}
      <h2>Keys</h2>
      <Pins />
    </main>
  );
}

/** Files with their roles. A verifier key among them is pinned, until the page is closed. */
async function recognized(given: readonly File[]): Promise<GivenFile[]> {
  const found = await Promise.all(given.map(async (file) => ({ file, role: await roleOf(file).catch(unreadable) })));
  for (const { file, role } of found) if (role === "key") pin(await file.text(), false);
  return found.filter(({ role }) => role !== "key");
}

function unreadable(error: unknown): "unknown" {
  if (error instanceof DOMException) return "unknown"; // moved, changed, or a folder
  throw error;
}

/** Verifies the files whenever they, the pinned keys, or the number of leafless records change. */
function useVerification(files: readonly GivenFile[], leafless: number): State {
  const [state, setState] = useState<State>(null);
  const pins = pinnedKeys.value;
  useEffect(() => {
    let current = true;
    const show = (next: State) => {
      if (current) setState(next);
    };
    setState(null);
    if (!complete(files)) return;
    const trust = { keys: pins.map(({ key }) => key), pinned: pins.length > 0 };
    const total = Math.max(1, totalBytes(files));
    let read = 0;
    const progress = (bytes: number) => {
      const before = Math.floor((100 * read) / total);
      read += bytes;
      if (Math.floor((100 * read) / total) > before) show({ done: Math.min(1, read / total) });
    };
    verifyFiles(files, trust, leafless, progress).then(
      (report) => show({ report }),
      (error: unknown) => show({ problem: problemOf(error) }),
    );
    return () => {
      current = false;
    };
  }, [files, leafless, pins]);
  return state;
}

function problemOf(error: unknown): string {
  if (error instanceof DOMException) return "A file could not be read. Was it moved or changed? Drop it again.";
  if (error instanceof VerificationError) return `The files cannot be verified: ${error.what}.`;
  return `This page failed: ${String(error)}. Load it again.`;
}

function Chooser({ onChoose }: { readonly onChoose: (files: FileList | null) => void }) {
  const id = useId();
  return (
    <div class="drop">
      <label htmlFor={id}>Drop files here, or choose them</label>
      <input
        id={id}
        type="file"
        multiple
        onChange={(event) => {
          onChoose(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}

function Given({ files, onClear }: { readonly files: readonly GivenFile[]; readonly onClear: () => void }) {
  if (!files.length) return null;
  return (
    <div class="given">
      <ul>
        {files.map(({ file, role }) => (
          <li key={`${role} ${file.name}`}>
            <bdi>{oneLine(file.name, 100)}</bdi> <span class="faint">{ROLES[role]}</span>
          </li>
        ))}
      </ul>
      <button type="button" class="link" onClick={onClear}>
        Start again
      </button>
    </div>
  );
}

function Leafless({ value, onChange }: { readonly value: number; readonly onChange: (value: number) => void }) {
  return (
    <label class="leafless">
      Records of an archive that may be older than the log{" "}
      <input
        type="number"
        min={0}
        value={value}
        onInput={(event) => onChange(Math.max(0, Math.floor(event.currentTarget.valueAsNumber || 0)))}
      />
    </label>
  );
}

function Result({ files, state }: { readonly files: readonly GivenFile[]; readonly state: State }) {
  if (!files.length) return null;
  if (!complete(files)) return <p class="note">{missing(files) ?? "This file is none that can be verified here."}</p>;
  if (!state || "done" in state) return <p class="note">Verifying…</p>;
  if ("report" in state) return <ReportView report={state.report} />;
  return <p class="problem">{state.problem}</p>;
}
