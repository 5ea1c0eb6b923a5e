/** Who is signed in, as the access token says; the API checks it, the page only shows it. */
export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly role: string;
  readonly tenants: readonly string[];
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** The person that a token names; null where it cannot be read. `roleClaim`, `tenantsClaim`: the claims' names. */
export function personOf(token: string, roleClaim: string, tenantsClaim: string): Person | null {
  try {
    const claims = JSON.parse(decoded(token.split(".")[1] ?? "")) as Record<string, unknown>;
    const subject = String(claims.sub ?? "");
    const name = typeof claims.name === "string" && claims.name ? claims.name : subject;
    const expires = typeof claims.exp === "number" ? claims.exp * 1000 : Number.POSITIVE_INFINITY;
    return { subject, name, role: String(claims[roleClaim] ?? ""), tenants: listOf(claims[tenantsClaim]), expires };
  } catch {
    return null;
  }
}

/** A claim with tenants: a list, or text with spaces or commas between them, as the authorizer reads it. */
function listOf(claim: unknown): string[] {
  if (Array.isArray(claim)) return claim.map(String);
  return typeof claim === "string" ? claim.split(/[\s,]+/).filter(Boolean) : [];
}

function decoded(part: string): string {
  const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
