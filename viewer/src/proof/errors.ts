/** The error of every verification, with the place of the mismatch. */

export interface Place {
  readonly file?: "record" | "export" | "archive" | "manifest" | "proof" | undefined;
  readonly line?: number | undefined; // from 1
  readonly index?: bigint | number | undefined; // in the log
  readonly refId?: string | undefined;
}

export class VerificationError extends Error {
  readonly what: string;
  readonly place: Place;

  constructor(what: string, place: Place = {}) {
    super(what);
    this.what = what;
    this.place = place;
  }
}

/** Runs a check; a VerificationError of it gets `place` where it has none of its own. */
export function at<T>(place: Place, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw located(error, place);
  }
}

/** A VerificationError with the members of `place` that it lacks; any other error as it is. */
export function located(error: unknown, place: Place): unknown {
  if (!(error instanceof VerificationError)) return error;
  return new VerificationError(error.what, { ...place, ...error.place });
}

/** A VerificationError; any other error is a fault of the program and is thrown. */
export function expected(error: unknown): VerificationError {
  if (error instanceof VerificationError) return error;
  throw error;
}
