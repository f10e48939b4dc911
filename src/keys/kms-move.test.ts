import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemRandom } from "#core/random.ts";
import { movePaths, type MovePaths } from "#keys/kms-move.ts";
import { openKeyHome, type KeyHome, type OpenKeyHome } from "#keys/keys.ts";
import type { MoveRecord, RingKeeper } from "#keys/ring-keeper.ts";
import { testFolder, testKeyHome } from "#keys/testing.ts";

const name = { tenant: "tenant", compartment: "compartment", dekVersion: 1 };

interface MovingHome {
  readonly home: KeyHome;
  readonly open: OpenKeyHome;
  readonly paths: MovePaths;
  /** The choice of a root key file in another folder. */
  readonly elsewhere: { readonly kind: "file"; readonly path: string };
}

async function movingHome(t: TestContext): Promise<MovingHome> {
  const home = await testKeyHome(t);
  const open = await openKeyHome(home);
  assert.ok(open.ok);
  const elsewhere = { kind: "file" as const, path: join(await testFolder(t), "root.key") };
  return { home, open: open.value, paths: movePaths(home.folder), elsewhere };
}

async function moveTo(open: OpenKeyHome, choice: unknown, wrap = same): Promise<string> {
  const chosen = await open.chooseKms(choice);
  if (!chosen.ok) return chosen.problem.code;
  const moved = await open.keeper.moveTo(chosen.value.kms, wrap(chosen.value.record));
  return moved.ok ? "done" : moved.problem.code;
}

const same = (record: MoveRecord): MoveRecord => record;

async function opensAgain(home: KeyHome, keeper: RingKeeper): Promise<void> {
  const key = systemRandom.bytes(32);
  const wrapped = keeper.current().wrap(name, key);
  const again = await openKeyHome(home);
  assert.ok(again.ok, again.ok ? "" : again.problem.detail);
  assert.deepEqual(again.value.keeper.current().unwrap(wrapped), { ok: true, key });
}

const isThere = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );

test("a move to a root key elsewhere makes that key, and the next start opens under it", async (t) => {
  const { home, open, paths, elsewhere } = await movingHome(t);
  assert.equal(await moveTo(open, elsewhere), "done");
  assert.deepEqual(JSON.parse(await readFile(paths.config, "utf8")), elsewhere);
  assert.ok(!(await isThere(paths.move)));
  await writeFile(join(home.folder, "root.key"), "no longer asked");
  await opensAgain(home, open.keeper);
});

test("what names no KMS is refused before anything is opened", async (t) => {
  const { open } = await movingHome(t);
  for (const choice of [null, {}, { kind: "paper" }, { kind: "file", more: 1 }])
    assert.equal(await moveTo(open, choice), "parameter-invalid");
});

const cut = (): Promise<never> => Promise.reject(new Error("the power is gone"));

const crashes: Record<string, (record: MoveRecord) => MoveRecord> = {
  "before anything was written": (record) => ({ ...record, begin: cut }),
  "before the ring was replaced": (record) => ({
    ...record,
    begin: async (text) => {
      await record.begin(text);
      await cut();
    },
  }),
  "before the choice was replaced": (record) => ({ ...record, end: cut }),
  "after all was written": (record) => ({
    ...record,
    end: async () => {
      await record.end();
      await cut();
    },
  }),
};

for (const [when, crash] of Object.entries(crashes)) {
  test(`a move that a crash cut off ${when} leaves ring and choice of one kind`, async (t) => {
    const { home, open, paths, elsewhere } = await movingHome(t);
    assert.equal(await moveTo(open, elsewhere, crash), "storage-unavailable");
    await opensAgain(home, open.keeper);
    assert.ok(!(await isThere(paths.move)));
  });
}

test("after a move whose end could not be written no further change splits ring and choice", async (t) => {
  const { home, open, elsewhere } = await movingHome(t);
  await moveTo(open, elsewhere, crashes["before the choice was replaced"]);
  const changed = await open.keeper.startEpoch();
  assert.ok(!changed.ok);
  assert.equal(changed.problem.code, "key-ring-refused");
  await opensAgain(home, open.keeper);
});

test("a record of a move that cannot be read is refused, not guessed at", async (t) => {
  const { home, open, paths, elsewhere } = await movingHome(t);
  await moveTo(open, elsewhere, crashes["before the ring was replaced"]);
  await writeFile(paths.move, "{", { mode: 0o600 });
  const again = await openKeyHome(home);
  assert.ok(!again.ok);
  assert.equal(again.problem.code, "key-ring-refused");
});

test("a copy of the folder from before a move still opens under the root key of then", async (t) => {
  const { home, open, elsewhere } = await movingHome(t);
  const folder = join(await testFolder(t), "keys");
  await cp(home.folder, folder, { recursive: true });
  assert.equal(await moveTo(open, elsewhere), "done");
  assert.ok((await openKeyHome({ ...home, folder })).ok);
});
