/** The steps that every proof ends with: the checkpoint's signature, and whose it is. */

import { implementation } from "./ed25519.ts";
import { type Place, VerificationError } from "./errors.ts";
import {
  type Checkpoint,
  formatVerifierKey,
  isSignedBy,
  isSignedUnder,
  nameOf,
  parseCheckpoint,
  type VerifierKey,
} from "./signed-notes.ts";
import { type Detail, failed, ok, type Step, skipped, step } from "./steps.ts";

/** The keys to verify with. `pinned`: the user chose them; otherwise they came from the server, with the proof. */
export interface Trust {
  readonly keys: readonly VerifierKey[];
  readonly pinned: boolean;
}

/** The steps about the note of a proof; its checkpoint, which is null where it is malformed. */
export interface SignedHead {
  readonly checkpoint: Checkpoint | null;
  readonly signature: Step;
  readonly key: Step;
}

/** Verifies the signature of a note, which is at `place`. */
export async function openNote(note: string, trust: Trust, place: Place = { file: "proof" }): Promise<SignedHead> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = parseCheckpoint(note);
  } catch (error) {
    const key = skipped("key", "There is no checkpoint that a key could have signed.");
    return { checkpoint: null, signature: failed("signature", error, { place }), key };
  }
  const used = trust.keys.find((key) => isSignedUnder(checkpoint, key));
  const verified = () => verifySignature(checkpoint, used, trust);
  const signature = await step("signature", verified, { place, details: headDetails(checkpoint) });
  return { checkpoint, signature, key: keyStep(checkpoint, used, trust, signature) };
}

/** The steps where a proof has no checkpoint at all. */
export function withoutNote(why: string): SignedHead {
  return { checkpoint: null, signature: skipped("signature", why), key: skipped("key", why) };
}

async function verifySignature(checkpoint: Checkpoint, used: VerifierKey | undefined, trust: Trust): Promise<Step> {
  if (trust.keys.length === 0) {
    const why = "Not verified: there is no key of this log. Paste or drop its verifier key.";
    return skipped("signature", why, headDetails(checkpoint));
  }
  if (!used) throw new VerificationError(`the checkpoint is not signed by ${trust.keys.map(nameOf).join(" or ")}`);
  if (!(await isSignedBy(checkpoint, used))) {
    throw new VerificationError("the signature is false: the checkpoint was changed, or is not of this key");
  }
  const by =
    (await implementation()) === "webcrypto"
      ? "this browser's WebCrypto"
      : "JavaScript, as WebCrypto here lacks Ed25519";
  const meaning = "The holder of the key has committed to this state of the log, and cannot deny it.";
  return ok("signature", meaning, [...headDetails(checkpoint), { label: "Verified by", value: by }]);
}

function keyStep(checkpoint: Checkpoint, used: VerifierKey | undefined, trust: Trust, signature: Step): Step {
  if (!trust.pinned) {
    const why = `Not pinned: you have pinned no key of ${checkpoint.origin}. This proves consistency, not who signed.`;
    return skipped("key", why);
  }
  const signers = checkpoint.signatures.map(({ name, keyId }) => `${name}+${keyId}`).join(", ");
  if (!used) {
    const pinned = trust.keys.map(nameOf).join(", ");
    const details = [
      { label: "Pinned", value: pinned },
      { label: "Signed by", value: signers },
    ];
    return failed("key", new VerificationError("another key has signed than the one that you pinned"), { details });
  }
  if (signature.outcome !== "ok") return skipped("key", "The signature under your key is false.");
  const details = [{ label: "Key", value: formatVerifierKey(used) }];
  return ok(
    "key",
    "Nobody without the private key that belongs to your pinned key could have made this proof.",
    details,
  );
}

function headDetails(checkpoint: Checkpoint): Detail[] {
  return [
    { label: "Log", value: checkpoint.origin },
    { label: "Size", value: String(checkpoint.size) },
  ];
}
