/** The frames of the live tail, and where a reader is in its feeds. Source: docs/api/live-tail.md. */

export interface LiveRecord {
  readonly feed: "audit" | "logs";
  readonly kind: string;
  readonly sequence: number;
  readonly record: Readonly<Record<string, unknown>>;
}

export interface Frame {
  readonly type: string;
  readonly position?: Readonly<Record<string, number>>;
  readonly records?: readonly LiveRecord[];
  readonly dropped?: readonly { readonly feed: string; readonly from: number; readonly to: number }[];
  readonly problem?: { readonly detail?: string };
  readonly retryAfter?: number;
}

/** The numbers up to which a reader has seen its feeds. It takes each record once, in order, whatever is repeated. */
export class Reader {
  readonly position: Record<string, number> = {};

  /** The records of a frame that are new. */
  take(frame: Frame): LiveRecord[] {
    const fresh = (frame.records ?? []).filter((item) => {
      if (item.sequence <= (this.position[item.feed] ?? -1)) return false;
      this.position[item.feed] = item.sequence;
      return true;
    });
    for (const [feed, number] of Object.entries(frame.position ?? {})) {
      this.position[feed] = Math.max(number, this.position[feed] ?? number);
    }
    return fresh;
  }
}

/** Seconds to wait before the n-th attempt to connect again: 1, 2, 4, ... 30, of which a part is chance. */
export function pauseBefore(attempt: number, chance: number): number {
  return Math.min(30, 2 ** attempt) * (0.5 + chance / 2);
}
