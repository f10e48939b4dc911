import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { Client } from "pg";
import type { Queryable } from "#storage/database.ts";
import { rowValues } from "#storage/values.ts";
import { testEntry, testLog, write, type TestLog } from "#audit/testing.ts";
import { verifyLog } from "#audit/verify.ts";

const size = 700;

/** A superuser's session, in which a test tampers, verifies and takes it back. */
async function tamperer(t: TestContext, kit: TestLog<never, never>) {
  const client = new Client({ ...kit.database.admin, types: rowValues() });
  client.on("error", () => {});
  await client.connect();
  t.after(() => client.end());
  // One after the other, as this is one connection and no pool.
  let turn: Promise<unknown> = Promise.resolve();
  const db: Queryable = {
    query: (statement, values = []) => {
      const config = typeof statement === "string" ? { text: statement, values } : statement;
      const answer = turn.then(() =>
        client.query<never>({ ...config, values: [...config.values] }),
      );
      turn = answer.catch(() => null);
      return answer.then(({ rows }) => rows);
    },
  };
  return async (statements: readonly string[]): Promise<number> => {
    await client.query("BEGIN");
    try {
      for (const sql of statements) assert.notEqual((await client.query(sql)).rowCount, 0, sql);
      const { origin, verifier } = kit;
      const verified = await verifyLog({ db, origin, verifiers: [verifier], onProgress: () => {} });
      assert.ok(verified.ok);
      return verified.value.findingCount;
    } finally {
      await client.query("ROLLBACK");
    }
  };
}

async function mixedLog(t: TestContext): Promise<TestLog<never, never>> {
  const kit = await testLog(t);
  let n = 0;
  const batches = [1, 40, 300, 2, 57, 200, 1, 99];
  const made = batches.map((count) => Array.from({ length: count }, () => testEntry(n++)));
  assert.equal(n, size);
  await write(kit.log, made);
  return kit;
}

const index = fc.nat(size - 1);

/** Everything that one UPDATE or DELETE can do to a log, as SQL. */
const tampering: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc
    .tuple(index, fc.nat(200))
    .map(([seq, at]) => [
      `UPDATE audit.entry SET leaf = set_byte(leaf, ${at}, get_byte(leaf, ${at}) # 1) WHERE seq = ${seq}`,
    ]),
  index.map((seq) => [`UPDATE audit.entry SET leaf = leaf || ' ' WHERE seq = ${seq}`]),
  index.map((seq) => [`UPDATE audit.entry SET leaf = ''::bytea WHERE seq = ${seq}`]),
  fc
    .tuple(index, fc.nat(31))
    .map(([seq, at]) => [
      `UPDATE audit.entry SET leaf_hash = set_byte(leaf_hash, ${at}, get_byte(leaf_hash, ${at}) # 1) WHERE seq = ${seq}`,
    ]),
  fc
    .tuple(index, fc.constantFrom("actor", "device", "client", "address", "signal", "action"))
    .map(([seq, column]) => [`UPDATE audit.entry SET ${column} = 'x' WHERE seq = ${seq}`]),
  index.map((seq) => [`UPDATE audit.entry SET time = time + 1 WHERE seq = ${seq}`]),
  index.map((seq) => [`DELETE FROM audit.entry WHERE seq = ${seq}`]),
  index.map((seq) => [`DELETE FROM audit.entry WHERE seq >= ${seq}`]),
  index.map((seq) => [
    `DELETE FROM audit.entry WHERE seq = ${seq}`,
    ...(seq === size - 1
      ? []
      : [
          `UPDATE audit.entry SET seq = -seq WHERE seq > ${seq}`,
          "UPDATE audit.entry SET seq = -seq - 1 WHERE seq < 0",
        ]),
  ]),
  fc
    .tuple(index, index)
    .filter(([one, other]) => one !== other)
    .map(([one, other]) => [
      `UPDATE audit.entry SET seq = -1 WHERE seq = ${one}`,
      `UPDATE audit.entry SET seq = ${one} WHERE seq = ${other}`,
      `UPDATE audit.entry SET seq = ${other} WHERE seq = -1`,
    ]),
  fc
    .tuple(fc.nat(1), fc.nat(8191))
    .map(([tile, at]) => [
      `UPDATE audit.tile SET hashes = set_byte(hashes, ${at}, get_byte(hashes, ${at}) # 1) WHERE index = ${tile}`,
    ]),
  fc.nat(1).map((tile) => [`DELETE FROM audit.tile WHERE index = ${tile}`]),
  fc
    .constantFrom(1, 41, 341, 343, 400, 600, 601, 700)
    .chain((at) =>
      fc.constantFrom(
        [
          `UPDATE audit.checkpoint SET note = replace(note, E'\\n${at}\\n', E'\\n${at + 1}\\n') WHERE size = ${at}`,
        ],
        [`UPDATE audit.checkpoint SET note = '' WHERE size = ${at}`],
        [`UPDATE audit.checkpoint SET size = size + 1000 WHERE size = ${at}`],
        [
          `UPDATE audit.checkpoint SET note = left(note, -8) || 'AAAAAAA' || E'\\n' WHERE size = ${at}`,
        ],
      ),
    ),
  fc.constant(["DELETE FROM audit.checkpoint"]),
  fc.constant(["DELETE FROM audit.checkpoint WHERE size = 700"]),
);

test("whatever is changed, moved or removed in a log, it is found", async (t) => {
  const kit = await mixedLog(t);
  const findingsAfter = await tamperer(t, kit);
  assert.equal(await findingsAfter([]), 0);
  await fc.assert(
    fc.asyncProperty(tampering, async (statements) => {
      assert.notEqual(await findingsAfter(statements), 0, statements.join("; "));
    }),
    { numRuns: 120 },
  );
});
