import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { refuse } from "#core/problem.ts";
import { ok } from "#core/result.ts";
import { testFolder } from "#keys/testing.ts";
import type { RecordsDesk } from "#assembly/key-life/life.ts";
import { moveKms } from "#assembly/key-life/move.ts";
import { reseal } from "#assembly/key-life/reseal.ts";
import { rotate } from "#assembly/key-life/rotate.ts";
import {
  codeOf,
  makeKeys,
  openedKeys,
  somePatient,
  testLife,
  valueOf,
  type TestLife,
} from "#assembly/key-life/testing.ts";

interface Asked {
  readonly patients: readonly string[] | null;
  readonly after: string | null;
}

/** A records process with three pages of patients, which fails at the page after `failsAfter`. */
async function withPages(
  t: TestContext,
): Promise<{ test: TestLife; desk: (failsAfter: string | null) => RecordsDesk; asked: Asked[] }> {
  const life = await testLife(t);
  const asked: Asked[] = [];
  const desk = (failsAfter: string | null): RecordsDesk => ({
    ...life.life.desk,
    reseal: async (patients, after) => {
      asked.push({ patients, after });
      if (failsAfter !== null && after === failsAfter) return refuse("upstream-unavailable");
      const next = after === null ? "a" : after === "a" ? "b" : null;
      return ok({ done: 2, rows: 10, damaged: 0, next });
    },
  });
  return { test: life, desk, asked };
}

test("sealing all anew goes on where it was cut off, and begins anew once it ended", async (t) => {
  const { test: life, desk, asked } = await withPages(t);
  const cut = await life.work((work) => reseal(work, null), { desk: desk("a") });
  assert.equal(codeOf(cut), "upstream-unavailable");
  const ended = valueOf(await life.work((work) => reseal(work, null), { desk: desk(null) }));
  assert.deepEqual([ended.patients, ended.rows, ended.resumed], [4, 20, true]);
  assert.deepEqual(
    asked.map(({ after }) => after),
    [null, "a", "a", "b"],
  );
  const anew = valueOf(await life.work((work) => reseal(work, null), { desk: desk(null) }));
  assert.deepEqual([anew.patients, anew.resumed], [6, false]);
  assert.ok(existsSync(anew.backup));
});

test("sealing one patient anew neither goes on with a run over all nor ends it", async (t) => {
  const { test: life, desk, asked } = await withPages(t);
  await life.work((work) => reseal(work, null), { desk: desk("b") });
  const who = somePatient();
  const one = valueOf(await life.work((work) => reseal(work, [who]), { desk: desk(null) }));
  assert.equal(one.resumed, false);
  assert.deepEqual(asked.at(3), { patients: [who], after: null });
  assert.equal(life.life.notes.read("reseal-all"), "b");
});

test("sealing all anew is announced to the brake of the keys process, one patient is not", async (t) => {
  const { test: life, desk } = await withPages(t);
  await makeKeys(life, [somePatient(), somePatient(), somePatient()]);
  const lifts: number[] = [];
  const keys = {
    ...life.life.keys,
    liftBrake: async (patients: number, minutes: number) => {
      lifts.push(patients);
      return life.life.keys.liftBrake(patients, minutes);
    },
  };
  const changed = { desk: desk(null), keys };
  valueOf(await life.work((work) => reseal(work, [somePatient()]), changed));
  assert.deepEqual(lifts, []);
  valueOf(await life.work((work) => reseal(work, null), changed));
  assert.deepEqual(lifts, [3]);
});

test("a ring moved under another root key opens the same keys, and is backed up with the new choice", async (t) => {
  const life = await testLife(t);
  const made = await makeKeys(life, ["organisation", somePatient()]);
  const path = join(await testFolder(t), "another-root.key");
  const moved = valueOf(await life.work((work) => moveKms(work.life, { kind: "file", path })));
  assert.deepEqual([moved.from, moved.to, moved.epochs], ["file", "file", 1]);
  assert.deepEqual(await openedKeys(life), made);
  const [head = ""] = readFileSync(moved.backup, "utf8").split("\n");
  assert.ok(head.includes(JSON.stringify(path).slice(1, -1)));
  const rootKey = readFileSync(path, "utf8");
  assert.equal((JSON.parse(head) as { rootKey: string }).rootKey, rootKey);
  assert.deepEqual(
    life.events.map(({ action, reasons }) => [action, ...reasons]),
    [
      ["key-move", "begun", "from-file"],
      ["key-move", "done", "from-file", "to-file"],
    ],
  );
  valueOf(await life.work((work) => rotate(work, { retireOld: true })));
  assert.deepEqual(await openedKeys(life), made);
});

test("a KMS that is not known moves nothing", async (t) => {
  const life = await testLife(t);
  const refused = await life.work((work) => moveKms(work.life, { kind: "abacus" }));
  assert.equal(codeOf(refused), "parameter-invalid");
  assert.equal(valueOf(await life.life.keys.status()).kms, "file");
});
