import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import type { KeyUse } from "#keys/key-use.ts";
import { openKeyLog, type KeyLogWriter } from "#keys/key-log-writer.ts";
import { verifyKeyLog } from "#keys/key-log.ts";
import { systemAppendFiles, type AppendFile, type AppendFiles } from "#keys/log-append.ts";
import { testFolder } from "#keys/testing.ts";

const use: KeyUse = {
  action: "unwrap",
  caller: { role: "records", host: "local" },
  outcome: "done",
  given: [],
  refused: [],
  signals: [],
};

type Fault = "none" | "full" | "half-written" | "not-synced" | "no-room-to-open";

/** A disk that fails in the way that is set. */
interface FaultyDisk extends AppendFiles {
  fault: Fault;
  appends: number;
  /** Holds every append back until it resolves. */
  gate: Promise<void>;
}

function faultyDisk(): FaultyDisk {
  const disk: FaultyDisk = {
    fault: "none",
    appends: 0,
    gate: Promise.resolve(),
    rename: (from, to) => systemAppendFiles.rename(from, to),
    open: async (path) => {
      if (disk.fault === "no-room-to-open") throw new Error("ENOSPC");
      return faultyFile(disk, await systemAppendFiles.open(path));
    },
  };
  return disk;
}

function faultyFile(disk: FaultyDisk, file: AppendFile): AppendFile {
  return {
    append: async (bytes, at) => {
      await disk.gate;
      disk.appends += 1;
      if (disk.fault === "full") throw new Error("ENOSPC");
      if (disk.fault === "half-written") {
        await file.append(bytes.subarray(0, bytes.length / 2), at);
        throw new Error("ENOSPC");
      }
      await file.append(bytes, at);
      if (disk.fault === "not-synced") throw new Error("EIO");
    },
    cutTo: (size) => file.cutTo(size),
    close: () => file.close(),
  };
}

interface Log {
  readonly folder: string;
  readonly disk: FaultyDisk;
  readonly log: KeyLogWriter;
}

async function newLog(t: TestContext, fileBytes = 1_000_000): Promise<Log> {
  const folder = await testFolder(t);
  const disk = faultyDisk();
  const log = await openKeyLog({ folder, clock: systemClock, files: disk, fileBytes });
  t.after(() => log.close());
  return { folder, disk, log };
}

const faults: readonly Fault[] = ["full", "half-written", "not-synced"];

for (const fault of faults) {
  test(`a use on a disk that is ${fault} is refused, and the log goes on when the disk does`, async (t) => {
    const { folder, disk, log } = await newLog(t);
    assert.ok((await log.record(use)).ok);
    const head = log.head();
    disk.fault = fault;
    for (let n = 0; n < 3; n += 1) {
      const told = await log.record(use);
      assert.ok(!told.ok);
      assert.equal(told.problem.code, "audit-unavailable");
    }
    assert.deepEqual(log.head(), head);
    disk.fault = "none";
    assert.ok((await log.record(use)).ok);
    const report = await verifyKeyLog(folder, [head]);
    assert.deepEqual(report, { head: log.head(), findings: [], unfinishedBytes: 0 });
    assert.equal(report.head.lines, 2);
  });
}

test("a file that cannot be begun when the last is full refuses uses until it can", async (t) => {
  const { folder, disk, log } = await newLog(t, 1);
  assert.ok((await log.record(use)).ok);
  disk.fault = "no-room-to-open";
  assert.ok(!(await log.record(use)).ok);
  assert.ok(!(await log.record(use)).ok);
  disk.fault = "none";
  assert.ok((await log.record(use)).ok);
  const { head, findings } = await verifyKeyLog(folder);
  assert.deepEqual([head.lines, findings], [2, []]);
});

test("all that ask while one write is on its way share the next", async (t) => {
  const { disk, log } = await newLog(t);
  let open = (): void => {};
  disk.gate = new Promise((resolve) => {
    open = resolve;
  });
  const told = Array.from({ length: 100 }, () => log.record(use));
  open();
  assert.ok((await Promise.all(told)).every(({ ok }) => ok));
  assert.equal(disk.appends, 2);
});

test("more uses than may wait are refused at once instead of piling up", async (t) => {
  const { disk, log } = await newLog(t);
  let open = (): void => {};
  disk.gate = new Promise((resolve) => {
    open = resolve;
  });
  const told = Array.from({ length: 4_200 }, () => log.record(use));
  open();
  const refused = (await Promise.all(told)).filter(({ ok }) => !ok);
  assert.equal(refused.length, 4_200 - 4_096 - 1);
});
