import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client } from "pg";
import { emptyRoot, leafHash } from "#audit/merkle.ts";
import { checkpointText } from "#audit/checkpoint.ts";
import { describeFinding, type Finding } from "#audit/finding.ts";
import { encodeLeaf } from "#audit/leaf.ts";
import { newestCheckpoint } from "#audit/queries.ts";
import { testEntry, testKey, testLog, write, type TestLog } from "#audit/testing.ts";
import { verifyLog, type Verification, type VerifyOptions } from "#audit/verify.ts";

const entry = (n: number) =>
  testEntry(n, {
    actor: `actor ${n % 5}`,
    device: "d",
    client: "c",
    address: "192.0.2.7",
    patient: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  });

interface Kit extends TestLog<never, never> {
  readonly tamper: (sql: string, values?: readonly unknown[]) => Promise<void>;
  readonly verify: (options?: Partial<VerifyOptions>) => Promise<Verification>;
  readonly findings: () => Promise<readonly Finding[]>;
}

/** A log written in batches of these sizes, and a superuser to tamper with it. */
async function writtenLog(t: TestContext, batches: readonly number[]): Promise<Kit> {
  const kit = await testLog(t);
  let n = 0;
  await write(
    kit.log,
    batches.map((size) => Array.from({ length: size }, () => entry(n++))),
  );
  const tamper: Kit["tamper"] = async (sql, values = []) => {
    const admin = new Client(kit.database.admin);
    await admin.connect();
    try {
      const { rowCount } = await admin.query(sql, [...values]);
      assert.ok(rowCount !== null && rowCount > 0, "something was tampered with");
    } finally {
      await admin.end();
    }
  };
  const verify: Kit["verify"] = async (options = {}) => {
    const { origin, verifier } = kit;
    const db = kit.database.as("phylax_auditor");
    const verifiers = [verifier];
    const result = await verifyLog({ db, origin, verifiers, onProgress: () => {}, ...options });
    assert.ok(result.ok, "the log could be read");
    return result.value;
  };
  return { ...kit, tamper, verify, findings: async () => (await verify()).findings };
}

const singles = (count: number): readonly number[] => Array<number>(count).fill(1);
const setLeaf = "UPDATE audit.entry SET leaf = $1 WHERE seq = $2";

test("a log nobody tampered with is proven to its end", async (t) => {
  const kit = await writtenLog(t, [1, 300, 1, 255, 256, 700, 3]);
  const seen: number[] = [];
  const verified = await kit.verify({ onProgress: ({ entries }) => seen.push(entries) });
  assert.deepEqual(verified, {
    origin: kit.origin,
    entries: 1_516,
    checkpoints: 8,
    proven: 1_516,
    findings: [],
    findingCount: 0,
  });
  assert.equal(seen.at(-1), 1_516);
});

test("an empty log is whole", async (t) => {
  const verified = await (await writtenLog(t, [])).verify();
  assert.deepEqual([verified.entries, verified.findings], [0, []]);
});

test("a log that does not exist is not found", async (t) => {
  const { database, verifier } = await testLog(t);
  const db = database.as("phylax_auditor");
  const none = { db, origin: "none", verifiers: [verifier], onProgress: () => {} };
  const result = await verifyLog(none);
  assert.equal(!result.ok && result.problem.code, "not-found");
});

test("a byte changed in a leaf is found, and where", async (t) => {
  const kit = await writtenLog(t, [300, 300]);
  await kit.tamper(setLeaf, [Buffer.from(encodeLeaf(entry(9_999))), 17]);
  const verified = await kit.verify();
  assert.deepEqual(verified.findings, [{ kind: "entry-changed", index: 17 }]);
  assert.equal(verified.proven, 600);
});

test("a leaf changed where no tile is full yet is found by the hash beside it", async (t) => {
  const kit = await writtenLog(t, singles(10));
  await kit.tamper(setLeaf, [Buffer.from(encodeLeaf(entry(9_999))), 3]);
  assert.deepEqual(await kit.findings(), [{ kind: "entry-changed", index: 3 }]);
});

test("a leaf changed together with its hash is found, with a tile and without", async (t) => {
  const both = `UPDATE audit.entry SET (leaf, leaf_hash, time, actor, patient) =
    (SELECT leaf, leaf_hash, time, actor, patient FROM audit.entry WHERE seq = 0) WHERE seq = $1`;
  const tiled = await writtenLog(t, [300]);
  await tiled.tamper(both, [17]);
  assert.deepEqual(await tiled.findings(), [{ kind: "entry-changed", index: 17 }]);
  const edge = await writtenLog(t, singles(10));
  await edge.tamper(both, [3]);
  const verified = await edge.verify();
  assert.deepEqual(verified.findings, [{ kind: "entries-unproven", from: 3, until: 4 }]);
  assert.equal(verified.proven, 3);
});

for (const [column, value] of Object.entries({
  time: 1,
  action: "sign-in",
  decision: "deny",
  actor: "nobody",
  device: null,
  client: "another",
  address: "192.0.2.8",
  patient: "00000000-0000-4000-8000-00000000ffff",
  signal: "calm",
  written: "Patient/another",
})) {
  test(`a change of the column ${column} alone is found`, async (t) => {
    const kit = await writtenLog(t, [300, 4]);
    await kit.tamper(`UPDATE audit.entry SET ${column} = $1 WHERE seq IN (5, 301)`, [value]);
    assert.deepEqual(await kit.findings(), [
      { kind: "column-changed", index: 5, column },
      { kind: "column-changed", index: 301, column },
    ]);
  });
}

test("a change of the stored hash alone is found", async (t) => {
  const kit = await writtenLog(t, [300, 4]);
  await kit.tamper("UPDATE audit.entry SET leaf_hash = $1 WHERE seq IN (5, 301)", [emptyRoot]);
  assert.deepEqual(await kit.findings(), [
    { kind: "column-changed", index: 5, column: "leaf_hash" },
    { kind: "column-changed", index: 301, column: "leaf_hash" },
  ]);
});

test("a row removed from the middle is found", async (t) => {
  const kit = await writtenLog(t, [300, 300]);
  await kit.tamper("DELETE FROM audit.entry WHERE seq IN (40, 41, 50)");
  assert.deepEqual(await kit.findings(), [
    { kind: "entries-missing", from: 40, until: 42 },
    { kind: "entries-missing", from: 50, until: 51 },
  ]);
});

test("a row removed where no tile is full yet is found, and what follows is not taken for proven", async (t) => {
  const kit = await writtenLog(t, singles(10));
  await kit.tamper("DELETE FROM audit.entry WHERE seq = 4");
  const verified = await kit.verify();
  assert.deepEqual(verified.findings, [
    { kind: "entries-missing", from: 4, until: 5 },
    { kind: "entries-unproven", from: 4, until: 5 },
  ]);
  assert.equal(verified.proven, 4);
});

test("a tail cut off is found against the newest checkpoint", async (t) => {
  for (const batches of [singles(10), [300, 300]]) {
    const kit = await writtenLog(t, batches);
    const size = batches.reduce((sum, each) => sum + each, 0);
    await kit.tamper("DELETE FROM audit.entry WHERE seq >= $1", [size - 2]);
    const [finding] = await kit.findings();
    assert.deepEqual(finding, { kind: "log-truncated", signed: size, present: size - 2 });
  }
});

test("a tail cut off with its checkpoints is found by one kept elsewhere", async (t) => {
  const kit = await writtenLog(t, singles(10));
  const kept = await newestCheckpoint(kit.db, kit.origin);
  assert.ok(kept.ok);
  const remembered = [kept.value];
  assert.deepEqual((await kit.verify({ remembered })).findings, []);
  await kit.tamper("DELETE FROM audit.entry WHERE seq >= 8");
  await kit.tamper("DELETE FROM audit.checkpoint WHERE size > 8");
  assert.deepEqual(await kit.findings(), []);
  assert.deepEqual((await kit.verify({ remembered })).findings, [
    { kind: "log-truncated", signed: 10, present: 8 },
  ]);
});

const swap = `UPDATE audit.entry e SET seq = -1 - $2::bigint WHERE seq = $1`;

async function swapRows(kit: Kit, one: number, other: number): Promise<void> {
  await kit.tamper(swap, [one, other]);
  await kit.tamper("UPDATE audit.entry SET seq = $1 WHERE seq = $2", [one, other]);
  await kit.tamper("UPDATE audit.entry SET seq = -1 - seq WHERE seq < 0");
}

test("two rows swapped are found, and where they belong", async (t) => {
  const kit = await writtenLog(t, [600]);
  await swapRows(kit, 20, 400);
  assert.deepEqual(await kit.findings(), [
    { kind: "entry-moved", index: 20, belongs: 400 },
    { kind: "entry-moved", index: 400, belongs: 20 },
  ]);
});

test("two rows swapped where no tile is full yet are found at the first of them", async (t) => {
  const kit = await writtenLog(t, singles(10));
  await swapRows(kit, 3, 7);
  assert.deepEqual(await kit.findings(), [{ kind: "entries-unproven", from: 3, until: 4 }]);
});

test("a row added after the newest checkpoint is found", async (t) => {
  const kit = await writtenLog(t, [5]);
  await kit.tamper(
    `INSERT INTO audit.entry (log_id, seq, leaf, leaf_hash, time, action, decision)
     SELECT log_id, 5, leaf, leaf_hash, time, action, decision FROM audit.entry WHERE seq = 4`,
  );
  assert.deepEqual(await kit.findings(), [{ kind: "entries-unsigned", from: 5, until: 6 }]);
});

test("a checkpoint that our key did not sign is found and proves nothing", async (t) => {
  const kit = await writtenLog(t, [5, 5]);
  const text = checkpointText({ origin: kit.origin, size: 10, root: emptyRoot });
  const forged = testKey(kit.origin).signer.sign(text);
  await kit.tamper("UPDATE audit.checkpoint SET note = $1 WHERE size = 10", [forged]);
  const verified = await kit.verify();
  assert.deepEqual(verified.findings, [
    { kind: "checkpoint-invalid", size: 10 },
    { kind: "entries-unsigned", from: 5, until: 10 },
  ]);
  assert.equal(verified.proven, 5);
});

test("a genuine checkpoint put in the place of another is found", async (t) => {
  const kit = await writtenLog(t, [5, 5]);
  await kit.tamper(
    `UPDATE audit.checkpoint SET note = (SELECT note FROM audit.checkpoint WHERE size = 5)
     WHERE size = 10`,
  );
  assert.deepEqual((await kit.findings())[0], { kind: "checkpoint-invalid", size: 10 });
});

test("an entry written by us but under another root than the one signed is unproven", async (t) => {
  const kit = await writtenLog(t, [5, 5]);
  const text = checkpointText({ origin: kit.origin, size: 10, root: emptyRoot });
  await kit.tamper("UPDATE audit.checkpoint SET note = $1 WHERE size = 10", [
    kit.signer.sign(text),
  ]);
  assert.deepEqual(await kit.findings(), [{ kind: "entries-unproven", from: 5, until: 10 }]);
});

test("a leaf that was signed but is no entry is found", async (t) => {
  const kit = await writtenLog(t, []);
  const leaf = Buffer.from('{"v":2}');
  const root = leafHash(leaf);
  const note = kit.signer.sign(checkpointText({ origin: kit.origin, size: 1, root }));
  await kit.tamper(
    `INSERT INTO audit.entry (log_id, seq, leaf, leaf_hash, time, action, decision)
     SELECT id, 0, $1, $2, 0, 'read', 'permit' FROM audit.log`,
    [leaf, root],
  );
  await kit.tamper("INSERT INTO audit.checkpoint SELECT id, 1, $1 FROM audit.log", [note]);
  const verified = await kit.verify();
  assert.deepEqual(verified.findings, [{ kind: "leaf-unreadable", index: 0 }]);
  assert.equal(verified.proven, 1);
});

test("a tile changed or removed is found, and the entries are still proven", async (t) => {
  const kit = await writtenLog(t, [600]);
  await kit.tamper(
    "UPDATE audit.tile SET hashes = overlay(hashes placing '\\x00ff00ff' from 100) WHERE index = 0",
  );
  await kit.tamper("DELETE FROM audit.tile WHERE index = 1");
  const verified = await kit.verify();
  assert.deepEqual(
    verified.findings.toSorted((a, b) => a.kind.localeCompare(b.kind)),
    [
      { kind: "tile-changed", level: 0, index: 1 },
      { kind: "tile-changed", level: 0, index: 0 },
    ],
  );
  assert.equal(verified.proven, 600);
});

test("a tile too many is found", async (t) => {
  const kit = await writtenLog(t, [300]);
  await kit.tamper(
    "INSERT INTO audit.tile SELECT log_id, 1, 0, hashes FROM audit.tile WHERE level = 0",
  );
  assert.deepEqual(await kit.findings(), [{ kind: "tiles-surplus", level: 1, count: 1 }]);
});

test("a log verified while it is written is proven as far as it went", async (t) => {
  const kit = await writtenLog(t, [500]);
  const writing = write(
    kit.log,
    Array.from({ length: 40 }, (_, n) => [entry(n)]),
  );
  const verified = await kit.verify();
  await writing;
  assert.deepEqual(verified.findings, []);
  assert.equal(verified.proven, verified.entries);
});

test("a log wrong all over lists some of its findings and counts all", async (t) => {
  const kit = await writtenLog(t, [1_024, 1_024]);
  await kit.tamper("UPDATE audit.entry SET actor = 'x'");
  const verified = await kit.verify();
  assert.equal(verified.findings.length, 1_000);
  assert.equal(verified.findingCount, 2_048);
});

test("every finding has its sentence", () => {
  const findings: readonly Finding[] = [
    { kind: "entry-changed", index: 1 },
    { kind: "entry-moved", index: 1, belongs: 2 },
    { kind: "entries-missing", from: 1, until: 2 },
    { kind: "entries-unproven", from: 1, until: 4 },
    { kind: "entries-unsigned", from: 1, until: 4 },
    { kind: "log-truncated", signed: 9, present: 8 },
    { kind: "column-changed", index: 1, column: "actor" },
    { kind: "leaf-unreadable", index: 1 },
    { kind: "checkpoint-invalid", size: 3 },
    { kind: "tile-changed", level: 0, index: 1 },
    { kind: "tiles-surplus", level: 1, count: 2 },
  ];
  const sentences = new Set(findings.map(describeFinding));
  assert.equal(sentences.size, findings.length);
  assert.ok(sentences.has("entries 1 to 3 added without a signature"));
  assert.ok(sentences.has("entry 1 removed"));
});
