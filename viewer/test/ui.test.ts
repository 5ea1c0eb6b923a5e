import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf, countsOf, periodOf } from "../src/ui/buckets.ts";
import { diffLines } from "../src/ui/diff.ts";
import { boundsOf, PRESETS, parseRange, presetLabel, rangeText } from "../src/ui/range.ts";
import { cut, oneLine, visible } from "../src/ui/text.ts";
import { ago, fullTime, inputTime, momentOf, rowTime } from "../src/ui/time.ts";

const NOON = new Date("2026-03-01T12:00:00.000Z");

test("ranges are read and written as they are", () => {
  for (const text of [...PRESETS, "2026-01-01T00:00:00.000Z/2026-01-02T00:00:00.000Z", "2026-01-01T00:00:00.000Z/"]) {
    const range = parseRange(text);
    assert.ok(range);
    assert.equal(rangeText(range), text);
  }
});

test("what is no range is none", () => {
  for (const text of ["", "0m", "7", "7w", "-7d", "999999d", "/", "x/y", "2026-01-02T00:00Z/2026-01-01T00:00Z"]) {
    assert.equal(parseRange(text), null);
  }
});

test("a preset ends now", () => {
  assert.deepEqual(boundsOf({ last: "1h" }, NOON), { from: new Date("2026-03-01T11:00:00.000Z"), to: null });
  assert.equal(presetLabel("1h"), "Last hour");
  assert.equal(presetLabel("7d"), "Last 7 days");
});

test("bars cover the span, and lose no count", () => {
  for (const [period, seconds] of [
    ["minute", 15 * 60],
    ["minute", 14 * 3600],
    ["hour", 7 * 86_400],
    ["day", 90 * 86_400],
    ["month", 3 * 365 * 86_400],
  ] as const) {
    const to = NOON.getTime() / 1000;
    const from = to - seconds;
    const counts = new Map([
      [Math.floor(from / 60) * 60, 1],
      [to - seconds / 2, 2],
      [to - 1, 4],
    ]);
    const bars = barsOf(period, { from, to }, counts);
    assert.equal(
      bars.counts.reduce((sum, count) => sum + count, 0),
      7,
    );
    assert.ok(bars.starts.length <= 122, `${bars.starts.length}`);
    assert.ok((bars.starts[0] ?? 0) <= from && (bars.starts.at(-1) ?? 0) + bars.width >= to);
    assert.equal(bars.starts.length, bars.bad.length);
  }
});

test("the period is the shortest of which the API has all", () => {
  assert.equal(periodOf(3600, ["minute", "hour", "day"]), "minute");
  assert.equal(periodOf(7 * 86_400, ["minute", "hour", "day"]), "hour");
  assert.equal(periodOf(90 * 86_400, ["minute", "hour", "day", "month"]), "day");
  assert.equal(periodOf(1e10, ["minute", "hour", "day"]), "day");
  assert.deepEqual(countsOf([{ key: "2026-03-01T12:00:00.000Z", count: 3 }]), new Map([[NOON.getTime() / 1000, 3]]));
});

test("characters that cannot be seen are written out", () => {
  assert.equal(
    visible("a\u202eb\u0000c\u200bd\ufeffe\u001b[31m\u2066"),
    "a\\u202eb\\u0000c\\u200bd\\ufeffe\\u001b[31m\\u2066",
  );
  assert.equal(visible("tab\tline\nümläut 批准 😀"), "tab\tline\nümläut 批准 😀");
});

test("text is cut between characters, and is one line", () => {
  assert.equal(cut("ab😀", 3), "ab…");
  assert.equal(cut("abc", 3), "abc");
  assert.equal(oneLine("a\n  b\r\nc"), "a ⏎ b ⏎ c");
  assert.equal(oneLine("x".repeat(1_000_000)).length, 301);
  assert.equal(oneLine({ a: 1 }), '{"a":1}');
  assert.equal(oneLine(null), "");
  assert.equal(oneLine(false), "false");
});

test("a diff has a line for each side of a change", () => {
  const lines = diffLines(
    { title: "t", status: "draft", gone: [1] },
    { title: "t", status: "approved", new: { a: null } },
  );
  assert.deepEqual(lines, [
    { sign: " ", path: "title", value: '"t"' },
    { sign: "-", path: "status", value: '"draft"' },
    { sign: "+", path: "status", value: '"approved"' },
    { sign: "-", path: "gone", value: "[1]" },
    { sign: "+", path: "new", value: '{"a":null}' },
  ]);
  assert.deepEqual(diffLines(undefined, { a: 1 }), [{ sign: "+", path: "a", value: "1" }]);
  assert.deepEqual(diffLines({ a: 1 }, undefined), [{ sign: "-", path: "a", value: "1" }]);
  assert.deepEqual(diffLines(null, null), []);
});

test("times are exact, in UTC and in the browser's zone", () => {
  assert.equal(fullTime(NOON, "utc"), "2026-03-01 12:00:00.000 UTC");
  assert.equal(rowTime(NOON, NOON, "utc"), "12:00:00.000");
  assert.equal(rowTime(NOON, new Date("2026-03-02T12:00:00Z"), "utc"), "26-03-01 12:00:00.000");
  for (const zone of ["utc", "local"] as const) {
    assert.deepEqual(momentOf(inputTime(NOON, zone), zone), NOON);
  }
  assert.equal(momentOf("", "utc"), null);
  assert.equal(ago(new Date(NOON.getTime() - 180_000), NOON), "3 minutes ago");
});
