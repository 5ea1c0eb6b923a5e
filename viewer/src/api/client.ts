/** The one client of the API: token, tenant, trace id, and errors as sentences. */
import { config } from "./config.ts";
import { ApiError, type Problem, sentenceOf } from "./problems.ts";
import { accessToken, renew } from "./session.ts";

export type Query = Readonly<Record<string, string | number | undefined>>;

/** The JSON of a GET, e.g. `get("/audit-logs", { limit: 50 })`. Raises ApiError; rejects with AbortError where cut. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const answer = await request(path, query, signal);
  return (await answer.json()) as T;
}

/** The text of a GET, as `get`. */
export async function getText(path: string, query: Query = {}, signal?: AbortSignal): Promise<string> {
  return (await request(path, query, signal)).text();
}

async function request(path: string, query: Query, signal?: AbortSignal): Promise<Response> {
  const { apiUrl } = await config();
  const trace = hex(16);
  const headers = { Authorization: `Bearer ${accessToken()}`, traceparent: `00-${trace}-${hex(8)}-00` };
  let answer: Response;
  try {
    answer = await fetch(`${apiUrl}${path}${asText(query)}`, { headers, cache: "no-store", ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("Chancery could not be reached. Check the connection, then try again.", 0, trace);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) void renew(); // the view is in the URL and comes back
  throw await failure(answer, trace);
}

async function failure(answer: Response, trace: string): Promise<ApiError> {
  const problem = (await answer.json().catch(() => ({}))) as Problem;
  const sentence = sentenceOf(answer.status, problem, answer.headers.get("Retry-After"));
  return new ApiError(sentence, answer.status, problem.traceId ?? trace, problem.type);
}

function asText(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

function hex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
