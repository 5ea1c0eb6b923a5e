import assert from "node:assert/strict";
import { test } from "node:test";
import { personOf } from "../src/api/claims.ts";
import { type Frame, type LiveRecord, pauseBefore, Reader } from "../src/api/frames.ts";
import { challengeOf, randomText } from "../src/api/pkce.ts";
import { sentenceOf } from "../src/api/problems.ts";

const token = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

test("a challenge is that of RFC 7636, appendix B", async () => {
  assert.equal(
    await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
  assert.match(randomText(), /^[\w-]{43}$/);
  assert.notEqual(randomText(), randomText());
});

test("a person is who the token names", () => {
  const claims = { sub: "s-1", name: "Zoë 批", exp: 10, role: "dm_user", tenants: ["acme", "globex"] };
  assert.deepEqual(personOf(token(claims), "role", "tenants"), {
    subject: "s-1",
    name: "Zoë 批",
    role: "dm_user",
    tenants: ["acme", "globex"],
    expires: 10_000,
  });
  const cognito = { sub: "s-1", "custom:role": "user", "custom:tenants": "acme, globex" };
  assert.deepEqual(personOf(token(cognito), "custom:role", "custom:tenants")?.tenants, ["acme", "globex"]);
  for (const wrong of ["", "a.b.c", "opaque", "..", `x.${Buffer.from("[").toString("base64url")}.x`]) {
    assert.equal(personOf(wrong, "role", "tenants"), null);
  }
});

test("an error says what happened, which field, and what to do next", () => {
  const problem = { detail: "The request is not valid.", errors: [{ pointer: "/from", detail: "must be a time" }] };
  assert.equal(sentenceOf(422, problem, null), "The request is not valid. from must be a time.");
  assert.match(sentenceOf(429, { detail: "Too many." }, "7"), /in 7 s/);
  assert.match(sentenceOf(503, {}, null), /answer was 503.*trace id/);
  assert.match(sentenceOf(401, { detail: "No token." }, null), /Sign in again/);
});

const item = (feed: "audit" | "logs", sequence: number): LiveRecord => ({ feed, kind: feed, sequence, record: {} });
const frame = (...records: LiveRecord[]): Frame => ({ type: "records", records });

test("each record is taken once, in order, whatever is sent again", () => {
  const reader = new Reader();
  assert.deepEqual(reader.take({ type: "subscribed", position: { audit: 5, logs: 0 } }), []);
  const first = frame(item("audit", 6), item("logs", 1), item("audit", 7));
  assert.equal(reader.take(first).length, 3);
  assert.equal(reader.take(first).length, 0);
  assert.deepEqual(
    reader.take(frame(item("audit", 7), item("audit", 8))).map((record) => record.sequence),
    [8],
  );
  assert.deepEqual(reader.position, { audit: 8, logs: 1 });
  reader.take({ type: "heartbeat", position: { audit: 20, logs: 0 } });
  assert.deepEqual(reader.position, { audit: 20, logs: 1 });
});

test("attempts to connect again are further and further apart, and never more than 30 s", () => {
  const most = Array.from({ length: 12 }, (_, attempt) => pauseBefore(attempt, 1));
  assert.deepEqual(most.slice(0, 5), [1, 2, 4, 8, 16]);
  assert.ok(most.every((pause) => pause <= 30));
  assert.equal(pauseBefore(3, 0), 4);
});
