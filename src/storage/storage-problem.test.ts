import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, storageProblem } from "#storage/storage-problem.ts";

const error = (code: string, message = "x"): Error => Object.assign(new Error(message), { code });

const expected = {
  "storage-full": [
    error("53100"),
    error("ENOSPC"),
    error("58030", "could not write: No space left on device"),
    error("58030", "could not write: Disk quota exceeded"),
  ],
  "edit-conflict": [error("40001"), error("40P01")],
  "storage-unavailable": [
    error("ECONNREFUSED"),
    error("ENOENT"),
    error("EPIPE"),
    error("08006"),
    error("53300"),
    error("57014"),
    error("57P01"),
    error("57P03"),
    error("58030"),
    new Error("Connection terminated unexpectedly"),
    new Error("Query read timeout"),
    new Error("timeout exceeded when trying to connect"),
    new AggregateError([error("ECONNREFUSED"), error("ECONNREFUSED")]),
  ],
} as const;

for (const [code, errors] of Object.entries(expected)) {
  test(`these errors are ${code}`, () => {
    for (const each of errors) assert.equal(storageProblem(each), code, String(each));
  });
}

test("a fault of the program is no storage problem", () => {
  const faults = [error("23505"), error("42601"), error("42501"), new TypeError("x"), "text", null];
  for (const each of faults) assert.equal(storageProblem(each), null, String(each));
});

test("attempt makes values of expected failures and throws faults on", async () => {
  assert.deepEqual(await attempt(async () => 1), { ok: true, value: 1 });
  const full = await attempt(async () => {
    throw error("53100");
  });
  assert.deepEqual(full, { ok: false, problem: { code: "storage-full" } });
  await assert.rejects(
    attempt(async () => {
      throw new TypeError("a fault");
    }),
    TypeError,
  );
});
