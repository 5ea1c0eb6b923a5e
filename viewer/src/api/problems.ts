/** Errors of the API as sentences. Source of the format: RFC 9457; docs/api/README.md, Errors. */

export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
  readonly traceId?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** A request that failed: what happened and what can be done, with the trace id by which it is found in the logs. */
export class ApiError extends Error {
  readonly status: number;
  readonly traceId: string;
  /** The problem's type, for example `not-yet-sealed`; empty where there is none. */
  readonly type: string;

  constructor(sentence: string, status: number, traceId: string, type = "") {
    super(sentence);
    this.status = status;
    this.traceId = traceId;
    this.type = type;
  }
}

/** The sentences of a problem. `retryAfter`: the header of that name. */
export function sentenceOf(status: number, problem: Problem, retryAfter: string | null): string {
  const fields = (problem.errors ?? []).map((error) => `${error.pointer.replace(/^\//, "")} ${error.detail}.`);
  const said = [problem.detail ?? problem.title ?? `The answer was ${status}.`, ...fields].join(" ");
  const next = nextStep(status, retryAfter);
  return next ? `${said} ${next}` : said;
}

function nextStep(status: number, retryAfter: string | null): string {
  if (status === 401) return "Sign in again.";
  if (status === 403) return "Your role may not do this.";
  if (status === 429) return `Try again ${retryAfter ? `in ${retryAfter} s` : "in a moment"}.`;
  if (status >= 500) return "Try again; if it stays so, tell those who run Chancery the trace id.";
  return "";
}

/** An error as one of the API; another one is a fault of the page. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(`This page failed: ${String(error)}. Load it again.`, 0, "");
}
