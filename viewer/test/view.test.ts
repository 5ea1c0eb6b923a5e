import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, ndjson } from "../src/explore/export.ts";
import {
  askedOf,
  at,
  filteredHere,
  filtersText,
  parseFilters,
  passes,
  typedFilter,
  withFilter,
} from "../src/explore/filters.ts";
import { AUDIT, gravityOf, KINDS, kindOf, type Row } from "../src/explore/kinds.ts";
import { ofKind, queryOf, searchKey, viewOf } from "../src/explore/view.ts";
import { hashOf, pageOf } from "../src/state/location.ts";

const row = (fields: object): Row => ({ refId: "01", createdOn: "2026-01-01T00:00:00.000Z", ...fields });

test("a hash names a page and its parameters, and back", () => {
  assert.deepEqual(pageOf("#/explore?kind=audit&q=a%20b"), { page: "explore", query: { kind: "audit", q: "a b" } });
  assert.deepEqual(pageOf(""), { page: "explore", query: {} });
  assert.equal(
    hashOf({ page: "explore", query: { z: "1", empty: "", a: "ü &?#" } }),
    "#/explore?a=%C3%BC+%26%3F%23&z=1",
  );
  for (const text of ["ü &?#=%", "‮abc", "\n\t", "a+b"]) {
    assert.equal(pageOf(hashOf({ page: "p", query: { text } })).query.text, text);
  }
});

test("every view is its URL", () => {
  const view = {
    ...viewOf({}),
    kind: kindOf("error"),
    range: { from: new Date("2026-01-01T00:00:00Z"), to: new Date("2026-01-02T00:00:00Z") },
    filters: [
      { field: "userId", value: "a;b=c!=d%", not: false },
      { field: "level", value: "info", not: true },
    ],
    words: "contact is null",
    columns: ["createdOn", "userId"],
    wrap: true,
    open: "01M8F1EQHT594T4MS8FB4EB41N",
    tenant: "globex",
    live: true,
  };
  assert.deepEqual(viewOf(pageOf(hashOf({ page: "explore", query: queryOf(view) })).query), view);
});

test("what a URL has wrong is as usual", () => {
  const view = viewOf({
    kind: "nonsense",
    range: "yesterday",
    columns: "salts,nothing",
    filters: "%;=;a",
    wrap: "yes",
  });
  assert.equal(view.kind, AUDIT);
  assert.deepEqual(view.range, { last: "7d" });
  assert.deepEqual(view.columns, AUDIT.columns);
  assert.deepEqual(view.filters, []);
  assert.equal(view.wrap, false);
});

test("the usual view has no parameters but its kind", () => {
  for (const kind of KINDS) {
    const given = Object.entries(queryOf(viewOf({ kind: kind.id }))).filter(([, value]) => value);
    assert.deepEqual(given, [["kind", kind.id]]);
  }
});

test("another kind keeps what it has, and closes the record", () => {
  const view = viewOf({ filters: "traceId=t-1;resourceId=r-1", open: "01", range: "30d" });
  const next = ofKind(view, kindOf("app"));
  assert.deepEqual(next.filters, [{ field: "traceId", value: "t-1", not: false }]);
  assert.equal(next.open, "");
  assert.deepEqual(next.range, { last: "30d" });
});

test("how rows look is not what is searched", () => {
  assert.equal(searchKey(viewOf({ wrap: "1", open: "01", columns: "action" })), searchKey(viewOf({})));
  assert.notEqual(searchKey(viewOf({ words: "a" })), searchKey(viewOf({})));
});

test("filters survive any text", () => {
  for (const value of ["a;b", "a=b", "!", "%", "%3B", "ü", "a!=b", "  "]) {
    const filters = [{ field: "actorId", value, not: true }];
    assert.deepEqual(parseFilters(filtersText(filters)), filters);
  }
});

test("a second value of a field replaces the first; what is left out adds up", () => {
  const one = { field: "actorId", value: "a", not: false };
  const other = { ...one, value: "b" };
  const without = { ...one, not: true };
  assert.deepEqual(withFilter([one], other), [other]);
  assert.deepEqual(withFilter([one], without), [without]);
  assert.deepEqual(withFilter([without], { ...other, not: true }), [without, { ...other, not: true }]);
  assert.deepEqual(withFilter([without], one), [one]);
  assert.deepEqual(withFilter([one], one), [one]);
});

test("typed text is a filter of a known field, else words", () => {
  assert.deepEqual(typedFilter("actorId:sarah", AUDIT), { field: "actorId", value: "sarah", not: false });
  assert.deepEqual(typedFilter('-actorName="Sarah Ng"', AUDIT), { field: "actorName", value: "Sarah Ng", not: true });
  assert.deepEqual(typedFilter("recordedBy.role:user", AUDIT), { field: "recordedBy.role", value: "user", not: false });
  for (const words of ["spring post", "http://example.com", "before:x", "what:x", "actorId:", "level:info"]) {
    assert.equal(typedFilter(words, AUDIT), null);
  }
});

test("the API filters by what it can, this page by the rest", () => {
  const filters = parseFilters("action=blog_post.*;actorName=Sarah;actorId!=bot");
  assert.deepEqual(askedOf(AUDIT, filters), { action: "blog_post.*" });
  assert.deepEqual(
    filteredHere(AUDIT, filters).map((filter) => filter.field),
    ["actorName", "actorId"],
  );
});

test("rows pass as the filters say", () => {
  const sarah = row({ actorId: "sarah", action: "blog_post.approved", recordedBy: { role: "user" }, "a.b": 1 });
  assert.ok(passes(sarah, parseFilters("actorId!=bot;recordedBy.role=user")));
  assert.ok(!passes(sarah, parseFilters("action!=blog_post.*")));
  assert.ok(!passes(sarah, parseFilters("missing=x")));
  assert.ok(passes(sarah, parseFilters("missing!=x")));
  assert.equal(at(sarah, "a.b"), 1);
  assert.equal(at(sarah, "__proto__.x"), undefined);
  assert.equal(at(sarah, "constructor"), undefined);
});

test("rows are marked by level and by verb", () => {
  assert.equal(gravityOf(row({ level: "fatal" })), "bad");
  assert.equal(gravityOf(row({ level: "warn" })), "warn");
  assert.equal(gravityOf(row({ action: "blog_post.dm_rejected" })), "bad");
  assert.equal(gravityOf(row({ action: "blog_post.approved" })), "");
});

test("an export is what is shown", () => {
  const rows = [
    row({ action: "a.b", actorName: 'Sarah "S" Ng', actorId: "s" }),
    row({ action: "=cmd()", actorId: "x,y\nz" }),
  ];
  assert.deepEqual(
    ndjson(rows)
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
    rows,
  );
  assert.equal(csv(rows, ["action", "actor"]), 'Action,Actor\r\na.b,"Sarah ""S"" Ng"\r\n\'=cmd(),"x,y\nz"\r\n');
});

test("no cell of an export begins a formula", () => {
  for (const first of ["=", "+", "-", "@", "\t", "\r"]) {
    assert.match(csv([row({ action: `${first}1` })], ["action"]), /\r\n"?'/);
  }
  assert.match(csv([row({ durationMs: -1.5 })], ["durationMs"]), /\r\n-1\.5\r\n/);
});
