/**
 * Sign-in by OpenID Connect's authorization code with PKCE (RFC 6749 section 4.1, RFC 7636).
 *
 * The token is in memory only. A page that is loaded again asks the issuer without a question (`prompt=none`), since the
 * issuer knows the browser. What must survive the way there and back is in the tab's session storage: no secret of use
 * to another page.
 */
import { signal } from "@preact/signals";
import { type Person, personOf } from "./claims.ts";
import { type Config, config } from "./config.ts";
import { challengeOf, randomText } from "./pkce.ts";

interface Endpoints {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly end_session_endpoint?: string;
}

interface Journey {
  readonly state: string;
  readonly verifier: string;
  /** The view to come back to. */
  readonly hash: string;
}

const JOURNEY = "chancery.sign-in";
const KNOWN = "chancery.known"; // set where somebody has signed in with this tab

/** Who is signed in; null for nobody, undefined before it is known. */
export const person = signal<Person | null | undefined>(undefined);
/** Why the last attempt failed, for people; empty where none did. */
export const signInProblem = signal("");

const AWAY = "The sign-in service could not be reached. Check the connection, then try again.";
const FRESH_MILLISECONDS = 60_000; // a token that is refused within them is of no use: another one would be as well

let token = "";
let takenOn = 0; // when the token was given
let renewal: Promise<void> | undefined;

/** The access token of requests. */
export function accessToken(): string {
  return token;
}

/** Takes up a sign-in: finishes one that the issuer has answered, or asks the issuer where this tab was signed in. */
export async function resume(): Promise<void> {
  try {
    const answer = new URLSearchParams(location.search);
    if (answer.has("state")) await finish(answer);
    else if (sessionStorage.getItem(KNOWN)) await signIn("none");
    else person.value = null;
  } catch {
    fail(AWAY);
  }
}

/** Whether the token has expired; one that was just given has not, whatever this machine's clock says. */
export function hasExpired(): boolean {
  return !isFresh() && Date.now() >= (person.peek()?.expires ?? Number.POSITIVE_INFINITY);
}

/** Asks the issuer for another token, since the API has refused this one. Requests that are refused at once ask once. */
export function renew(): Promise<void> {
  renewal ??= replaceToken().finally(() => {
    renewal = undefined;
  });
  return renewal;
}

async function replaceToken(): Promise<void> {
  if (isFresh()) {
    token = "";
    sessionStorage.removeItem(KNOWN);
    return fail("Chancery does not accept your token. Ask who runs it.");
  }
  try {
    await signIn("none");
  } catch {
    fail(AWAY);
  }
}

function isFresh(): boolean {
  return Date.now() - takenOn < FRESH_MILLISECONDS;
}

/** Leaves for the issuer's page. With `none` the issuer answers at once, and asks nothing. */
export async function signIn(prompt?: "none"): Promise<void> {
  const journey: Journey = { state: randomText(), verifier: randomText(), hash: location.hash };
  const settings = await config();
  const query = new URLSearchParams({
    response_type: "code",
    client_id: settings.clientId,
    redirect_uri: pageUrl(),
    scope: settings.scope,
    state: journey.state,
    code_challenge: await challengeOf(journey.verifier),
    code_challenge_method: "S256",
    ...(prompt && { prompt }),
  });
  const { authorization_endpoint } = await endpoints(settings);
  sessionStorage.setItem(JOURNEY, JSON.stringify(journey));
  location.assign(withQuery(authorization_endpoint, query));
}

/** Forgets the token, here and at the issuer. */
export async function signOut(): Promise<void> {
  token = "";
  sessionStorage.removeItem(KNOWN);
  try {
    const settings = await config();
    const { end_session_endpoint } = await endpoints(settings);
    const query = new URLSearchParams({ post_logout_redirect_uri: pageUrl(), client_id: settings.clientId });
    if (end_session_endpoint) location.assign(withQuery(end_session_endpoint, query));
    else person.value = null;
  } catch {
    fail("You are signed out here. The sign-in service could not be reached: there you may still be signed in.");
  }
}

async function finish(answer: URLSearchParams): Promise<void> {
  const stored = sessionStorage.getItem(JOURNEY);
  sessionStorage.removeItem(JOURNEY);
  const journey = stored ? (JSON.parse(stored) as Journey) : null;
  history.replaceState(null, "", location.pathname + (journey?.hash ?? ""));
  dispatchEvent(new HashChangeEvent("hashchange"));
  if (!journey || journey.state !== answer.get("state")) return fail("The sign-in was begun elsewhere. Sign in again.");
  const code = answer.get("code");
  if (!code) {
    sessionStorage.removeItem(KNOWN);
    return fail(answer.get("error") === "login_required" ? "" : "The sign-in service refused. Sign in again.");
  }
  await exchange(code, journey.verifier);
}

async function exchange(code: string, verifier: string): Promise<void> {
  const settings = await config();
  const { token_endpoint } = await endpoints(settings);
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: settings.clientId,
    redirect_uri: pageUrl(),
    code,
    code_verifier: verifier,
  });
  const answer = await fetch(token_endpoint, { method: "POST", body: form });
  if (!answer.ok) return fail("The sign-in took too long or was used twice. Sign in again.");
  const given = (await answer.json()) as { access_token: string };
  const found = personOf(given.access_token, settings.roleClaim, settings.tenantsClaim);
  if (!found) return fail("The sign-in service gave a token that names nobody. Ask who runs it.");
  token = given.access_token;
  takenOn = Date.now();
  sessionStorage.setItem(KNOWN, "1");
  signInProblem.value = "";
  person.value = found;
}

async function endpoints(settings: Config): Promise<Endpoints> {
  const answer = await fetch(`${settings.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!answer.ok) throw new Error(`openid-configuration: ${answer.status}`);
  return answer.json() as Promise<Endpoints>;
}

function fail(problem: string): void {
  signInProblem.value = problem;
  person.value = null;
}

function pageUrl(): string {
  return location.origin + location.pathname;
}

function withQuery(url: string, query: URLSearchParams): string {
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}
