import assert from "node:assert/strict";
import { test } from "node:test";
import { pageOf } from "../src/state/location.ts";

test("a hash names a page and its parameters", () => {
  assert.deepEqual(pageOf("#/explore?kind=audit&q=a%20b"), { page: "explore", query: { kind: "audit", q: "a b" } });
});
