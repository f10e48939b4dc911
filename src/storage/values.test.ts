import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readBigint, readTimestamp } from "#storage/values.ts";
import { testDatabase } from "#storage/testing.ts";

test("for all safe numbers, a bigint column gives the number", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => assert.equal(readBigint(String(value)), value)),
  );
});

test("a bigint that no number can hold is not rounded", () => {
  assert.throws(() => readBigint("9007199254740993"));
});

test("for all milliseconds of four centuries, a UTC timestamp gives the instant", () => {
  const range = { min: Date.UTC(1800, 0, 1), max: Date.UTC(2200, 0, 1) };
  fc.assert(
    fc.property(fc.integer(range), (ms) => {
      const text = new Date(ms).toISOString().replace("T", " ").replace("Z", "+00");
      assert.equal(readTimestamp(text), ms);
    }),
  );
});

test("a timestamp with microseconds is cut to the millisecond", () => {
  assert.equal(readTimestamp("2026-01-02 03:04:05.678999+00"), Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  assert.equal(readTimestamp("2026-01-02 03:04:05.6+00"), Date.UTC(2026, 0, 2, 3, 4, 5, 600));
  assert.equal(readTimestamp("12026-01-02 03:04:05+00"), Date.UTC(12_026, 0, 2, 3, 4, 5));
});

test("timestamps that are no instant are refused", () => {
  for (const text of ["infinity", "2026-01-02 03:04:05+02", "0044-03-15 12:00:00+00 BC"])
    assert.throws(() => readTimestamp(text), text);
});

test("rows come as the documented types", async (t) => {
  const database = await testDatabase(t);
  const [row] = await database.as("phylax_records").query(
    `SELECT 7::bigint AS count, ARRAY[9223372036854775807, -1]::bigint[] AS tokens,
       '{}'::bigint[] AS none, DATE '2026-02-03' AS day, '\\x00ff'::bytea AS bytes,
       TIMESTAMPTZ '2026-01-02 03:04:05.678+02' AS at, NULL::bigint AS nothing`,
  );
  assert.deepEqual(row, {
    count: 7,
    tokens: [9223372036854775807n, -1n],
    none: [],
    day: "2026-02-03",
    bytes: Buffer.of(0, 255),
    at: Date.UTC(2026, 0, 2, 1, 4, 5, 678),
    nothing: null,
  });
});
