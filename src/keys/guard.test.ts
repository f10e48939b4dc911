import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createKeyClient, createKeyOperator } from "#keys/client.ts";
import type { KeyOperator, KeyService } from "#core/key-service.ts";
import type { KeySignal, WrappedKey } from "#core/key-wire.ts";
import { laterBy, parseInstant, systemClock, type Clock } from "#core/clock.ts";
import type { ProcessRole } from "#core/roles.ts";
import { openKeyGuard, type KeyGuard } from "#keys/guard.ts";
import { openKeyHome } from "#keys/keys.ts";
import { readKeyLog, verifyKeyLog } from "#keys/key-log.ts";
import { systemAppendFiles, type AppendFiles } from "#keys/log-append.ts";
import { createKeysServer } from "#keys/server.ts";
import { testKeyHome, testPool, testServerDeps } from "#keys/testing.ts";

const tenant = "6f0e8e0e-0000-4000-8000-000000000001";
const patientAt = (n: number): string =>
  `6f0e8e0e-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
const always = {
  from: parseInstant(0) ?? assert.fail(),
  to: parseInstant(8.64e15) ?? assert.fail(),
};

/** Fails whatever is written while it is full. */
interface Disk extends AppendFiles {
  full: boolean;
}

interface TestClock extends Clock {
  setBackMs: number;
}

interface Process {
  readonly folder: string;
  readonly records: KeyService;
  readonly operator: KeyOperator;
  readonly guard: KeyGuard;
  readonly disk: Disk;
  readonly clock: TestClock;
  /** What records was told. */
  readonly signals: KeySignal[];
  /** The same folder under a new process. */
  restart(): Promise<Process>;
}

const limits = { softPatientsPerHour: 5, hardPatientsPerHour: 10 };

async function keysProcess(t: TestContext): Promise<Process> {
  const home = await testKeyHome(t);
  const disk: Disk = {
    full: false,
    rename: (from, to) => systemAppendFiles.rename(from, to),
    open: async (path) => {
      const file = await systemAppendFiles.open(path);
      const append: typeof file.append = (bytes, at) =>
        disk.full ? Promise.reject(new Error("ENOSPC")) : file.append(bytes, at);
      return { append, cutTo: (size) => file.cutTo(size), close: () => file.close() };
    },
  };
  const clock: TestClock = {
    setBackMs: 0,
    now: () => laterBy(systemClock.now(), -clock.setBackMs),
    monotonicMs: () => systemClock.monotonicMs(),
  };
  const start = async (): Promise<Process> => {
    const opened = await openKeyHome(home);
    assert.ok(opened.ok);
    await writeFile(join(home.folder, "brake.json"), JSON.stringify(limits), { mode: 0o600 });
    const guard = await openKeyGuard({
      folder: home.folder,
      clock,
      files: disk,
      onTrouble: assert.fail,
    });
    assert.ok(guard.ok);
    t.after(() => guard.value.close());
    const roles = new WeakMap<object, ProcessRole>();
    const peerOf = (request: IncomingMessage): ProcessRole | null => roles.get(request) ?? null;
    const server = createKeysServer(testServerDeps(opened.value, { ...guard.value, peerOf }));
    const poolOf = (role: ProcessRole): ReturnType<typeof testPool> =>
      testPool(t, (request, response) => {
        roles.set(request, role);
        server(request, response);
      });
    const signals: KeySignal[] = [];
    return {
      folder: home.folder,
      records: createKeyClient(await poolOf("records"), (signal) => signals.push(signal)),
      operator: createKeyOperator(await poolOf("operator")),
      guard: guard.value,
      disk,
      clock,
      signals,
      restart: async () => {
        await guard.value.close();
        return start();
      },
    };
  };
  return start();
}

async function make(records: KeyService, count: number): Promise<readonly WrappedKey[]> {
  const names = Array.from({ length: count }, (_, n) => ({
    compartment: patientAt(n),
    dekVersion: 1,
  }));
  const made = await records.generate(tenant, names);
  assert.ok(made.ok);
  return made.value.map(({ wrapped }) => wrapped);
}

async function codeOf(
  asked: Promise<{ ok: true } | { ok: false; problem: { code: string } }>,
): Promise<string> {
  const answer = await asked;
  return answer.ok ? "done" : answer.problem.code;
}

async function linesIn(folder: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { caller, action, outcome, given, refused, signals } of readKeyLog(
    folder,
    always,
  )) {
    const who = `${caller.role}@${caller.host} ${action} ${outcome}`;
    lines.push([who, given.length, refused.length, ...signals].join(" "));
  }
  return lines;
}

test("each use is in the log with its caller and its keys, and the log is whole", async (t) => {
  const { folder, records, operator } = await keysProcess(t);
  const [wrapped = assert.fail()] = await make(records, 1);
  const damaged = { ...wrapped, compartment: patientAt(7) };
  assert.ok((await records.unwrap([wrapped, damaged])).ok);
  assert.ok((await operator.startEpoch()).ok);
  assert.ok((await operator.rewrap([wrapped])).ok);
  assert.deepEqual(await linesIn(folder), [
    "records@local generate done 1 0",
    "records@local unwrap done 1 1",
    "operator@local epoch-start begun 0 0",
    "operator@local epoch-start done 0 0",
    "operator@local rewrap done 1 0",
  ]);
  const status = await operator.status();
  assert.ok(status.ok);
  assert.deepEqual((await verifyKeyLog(folder, [status.value.log])).findings, []);
});

test("while the log cannot be written no key leaves, no epoch starts, and the ring stays here", async (t) => {
  const { folder, records, operator, disk } = await keysProcess(t);
  const [wrapped = assert.fail()] = await make(records, 1);
  const before = await linesIn(folder);
  disk.full = true;
  assert.equal(await codeOf(records.unwrap([wrapped])), "key-unavailable");
  assert.equal(
    await codeOf(records.generate(tenant, [{ compartment: patientAt(1), dekVersion: 1 }])),
    "key-unavailable",
  );
  for (const asked of [
    operator.startEpoch(),
    operator.rewrap([wrapped]),
    operator.ring(),
    operator.escrow("age1"),
    operator.moveKms({ kind: "file", path: null }),
    operator.liftBrake(1, 1),
    operator.retireEpochs(1),
  ])
    assert.equal(await codeOf(asked), "audit-unavailable");
  const status = await operator.status();
  assert.ok(status.ok);
  assert.equal(status.value.kekEpoch, 1);
  assert.deepEqual(await linesIn(folder), before);
  disk.full = false;
  assert.equal(await codeOf(records.unwrap([wrapped])), "done");
});

test("a storm of patients is a signal to records, a flood is refused and one too", async (t) => {
  const { folder, records, signals } = await keysProcess(t);
  const keys = await make(records, 11);
  assert.equal(await codeOf(records.unwrap(keys.slice(0, 5))), "done");
  assert.deepEqual(signals, []);
  assert.equal(await codeOf(records.unwrap(keys.slice(5, 10))), "done");
  assert.deepEqual(signals, ["unwrap-storm"]);
  assert.equal(await codeOf(records.unwrap(keys.slice(10))), "key-brake");
  assert.deepEqual(signals, ["unwrap-storm", "unwrap-brake"]);
  assert.equal(await codeOf(records.unwrap(keys.slice(0, 10))), "done");
  assert.deepEqual((await linesIn(folder)).slice(1), [
    "records@local unwrap done 5 0",
    "records@local unwrap done 5 0 unwrap-storm",
    "records@local unwrap key-brake 0 0 unwrap-brake",
    "records@local unwrap done 10 0",
  ]);
});

test("a keys process that starts again brakes on where it stopped", async (t) => {
  const first = await keysProcess(t);
  const keys = await make(first.records, 11);
  assert.equal(await codeOf(first.records.unwrap(keys.slice(0, 10))), "done");
  const { records } = await first.restart();
  assert.equal(await codeOf(records.unwrap(keys.slice(10))), "key-brake");
  assert.equal(await codeOf(records.unwrap(keys.slice(0, 10))), "done");
});

test("an operator who announces work on many patients lifts the brake, and that is in the log", async (t) => {
  const { folder, records, operator } = await keysProcess(t);
  const keys = await make(records, 20);
  assert.equal(await codeOf(operator.liftBrake(10, 5)), "done");
  assert.equal(await codeOf(records.unwrap(keys)), "done");
  assert.ok((await linesIn(folder)).includes("operator@local brake-lift done 0 0"));
  assert.equal(await codeOf(operator.liftBrake(0, 5)), "parameter-invalid");
});

test("a clock set back is a signal with the next key, and opens neither brake nor log", async (t) => {
  const { folder, records, signals, clock } = await keysProcess(t);
  const keys = await make(records, 11);
  assert.equal(await codeOf(records.unwrap(keys.slice(0, 10))), "done");
  clock.setBackMs = 2 * 3_600_000;
  assert.equal(await codeOf(records.unwrap(keys.slice(0, 1))), "done");
  assert.deepEqual(signals, ["unwrap-storm", "clock-set-back"]);
  assert.equal(await codeOf(records.unwrap(keys.slice(10))), "key-brake");
  assert.deepEqual((await verifyKeyLog(folder)).findings, []);
});

test("a clock set back over a restart does not free the host either", async (t) => {
  const first = await keysProcess(t);
  const keys = await make(first.records, 11);
  assert.equal(await codeOf(first.records.unwrap(keys.slice(0, 10))), "done");
  first.clock.setBackMs = 2 * 3_600_000;
  const { records } = await first.restart();
  assert.equal(await codeOf(records.unwrap(keys.slice(10))), "key-brake");
});

test("a signal that an operator's request raised reaches records with its next key", async (t) => {
  const { records, operator, signals, clock } = await keysProcess(t);
  const [wrapped = assert.fail()] = await make(records, 1);
  clock.setBackMs = 60_000;
  assert.ok((await operator.startEpoch()).ok);
  assert.equal(await codeOf(records.unwrap([wrapped])), "done");
  assert.deepEqual(signals, ["clock-set-back"]);
});

test("the key row of another patient, a wrong name and a wrong commitment all open nothing", async (t) => {
  const { folder, records } = await keysProcess(t);
  const [one = assert.fail(), two = assert.fail()] = await make(records, 2);
  const rows: readonly WrappedKey[] = [
    { ...one, wrapped: two.wrapped },
    { ...one, wrapped: two.wrapped, commitment: two.commitment },
    { ...two, compartment: one.compartment },
    { ...one, commitment: two.commitment },
    { ...one, tenant: "another" },
    { ...one, dekVersion: 2 },
  ];
  const answer = await records.unwrap(rows);
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.value,
    rows.map(() => ({ ok: false, code: "damaged" })),
  );
  assert.equal((await linesIn(folder)).at(-1), "records@local unwrap done 0 6");
});

test("a log that cannot be opened lets no keys process start", async (t) => {
  const { folder, guard, clock, disk } = await keysProcess(t);
  await guard.close();
  const found = await openKeyGuard({
    folder,
    clock,
    files: { ...disk, open: () => Promise.reject(new Error("EROFS")) },
    onTrouble: assert.fail,
  });
  assert.ok(!found.ok);
  assert.equal(found.problem.code, "audit-unavailable");
});
