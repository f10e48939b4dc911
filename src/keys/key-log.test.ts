import assert from "node:assert/strict";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { parseInstant, type Clock, type Instant } from "#core/clock.ts";
import { keySignals } from "#core/key-wire.ts";
import { processRoles } from "#core/roles.ts";
import { keyActions, type KeyUse } from "#keys/key-use.ts";
import { openKeyLog, type KeyLogDeps, type KeyLogWriter } from "#keys/key-log-writer.ts";
import { readKeyLog, verifyKeyLog } from "#keys/key-log.ts";
import { parseLogLine, printLogLine, type KeyLogLine } from "#keys/log-line.ts";
import { testFolder } from "#keys/testing.ts";

const instant = (ms: number): Instant => parseInstant(ms) ?? assert.fail();
const start = Date.UTC(2026, 0, 1);
const always = { from: instant(0), to: instant(8.64e15) };

function use(compartment = "patient", changed: Partial<KeyUse> = {}): KeyUse {
  return {
    action: "unwrap",
    caller: { role: "records", host: "local" },
    outcome: "done",
    given: [{ compartment, dekVersion: 1, kekEpoch: 1 }],
    refused: [],
    signals: [],
    ...changed,
  };
}

interface TestClock extends Clock {
  at: number;
}

const testClock = (): TestClock => {
  const clock: TestClock = { at: start, now: () => instant(clock.at), monotonicMs: () => 0 };
  return clock;
};

interface Log {
  readonly folder: string;
  readonly log: KeyLogWriter;
  readonly clock: TestClock;
}

async function newLog(t: TestContext, more: Partial<KeyLogDeps> = {}): Promise<Log> {
  const folder = await testFolder(t);
  const clock = testClock();
  const log = await openKeyLog({ folder, clock, ...more });
  t.after(() => log.close());
  return { folder, log, clock };
}

async function writeAll(log: KeyLogWriter, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n += 1) assert.ok((await log.record(use(`p${n}`))).ok);
}

async function compartments(folder: string, window = always): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { given } of readKeyLog(folder, window))
    found.push(...given.map((key) => key.compartment));
  return found;
}

const kinds = async (folder: string): Promise<readonly string[]> =>
  (await verifyKeyLog(folder)).findings.map(({ kind }) => kind);

const path = (folder: string): string => join(folder, "key-log.ndjson");

const text = fc.string({ maxLength: 64 });
const count = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const told = fc.record({ compartment: text, dekVersion: count, kekEpoch: count });
const anyLine: fc.Arbitrary<KeyLogLine> = fc.record({
  line: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  at: fc.integer({ min: 0, max: 4e12 }).map(instant),
  caller: fc.record({ role: fc.constantFrom(...processRoles), host: text }),
  action: fc.constantFrom(...keyActions),
  outcome: fc.constantFrom("begun", "done", "key-brake", "key-unavailable"),
  given: fc.array(told, { maxLength: 3 }),
  refused: fc.array(
    fc
      .tuple(told, fc.constantFrom("damaged", "wrong-epoch", "not-yours"))
      .map(([key, code]) => ({ ...key, code })),
    { maxLength: 3 },
  ),
  signals: fc.uniqueArray(fc.constantFrom(...keySignals)),
  before: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
});

test("every line comes out of its bytes as it went in, and holds no line end", () => {
  fc.assert(
    fc.property(anyLine, (line) => {
      const bytes = printLogLine(line);
      assert.ok(!bytes.includes("\n"));
      const parsed = parseLogLine(bytes) ?? assert.fail();
      assert.deepEqual(JSON.parse(printLogLine(parsed).toString()), JSON.parse(bytes.toString()));
      assert.deepEqual(
        parsed.given,
        line.given.map((key) => ({ ...key })),
      );
      assert.ok(parsed.before.equals(line.before));
    }),
  );
});

test("whatever else JSON can say is no line, and does not throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(parseLogLine(Buffer.from(JSON.stringify(value))), null);
    }),
  );
});

test("a use is on disk when record resolves, with who, what and which keys", async (t) => {
  const { folder, log } = await newLog(t);
  const refused = [{ compartment: "q", dekVersion: 2, kekEpoch: 1, code: "damaged" as const }];
  assert.deepEqual(await log.record(use("p", { refused, signals: ["unwrap-storm"] })), {
    ok: true,
    value: ["unwrap-storm"],
  });
  const [line = ""] = (await readFile(path(folder), "utf8")).split("\n");
  const parsed = parseLogLine(Buffer.from(line)) ?? assert.fail();
  assert.deepEqual(parsed.caller, { role: "records", host: "local" });
  assert.deepEqual(parsed.given, [{ compartment: "p", dekVersion: 1, kekEpoch: 1 }]);
  assert.deepEqual(parsed.refused, refused);
  assert.deepEqual(parsed.signals, ["unwrap-storm"]);
  assert.equal(parsed.at, start);
});

test("the next start goes on where the last one ended, in one chain", async (t) => {
  const { folder, log, clock } = await newLog(t);
  await writeAll(log, 3);
  await log.close();
  const again = await openKeyLog({ folder, clock });
  await writeAll(again, 2, 3);
  await again.close();
  assert.deepEqual(await verifyKeyLog(folder), {
    head: again.head(),
    findings: [],
    unfinishedBytes: 0,
  });
  assert.equal(again.head().lines, 5);
  assert.deepEqual(await compartments(folder), ["p0", "p1", "p2", "p3", "p4"]);
});

test("whoever asks at once is written in one chain, each line once", async (t) => {
  const { folder, log } = await newLog(t);
  await Promise.all(Array.from({ length: 200 }, (_, n) => log.record(use(`p${n}`))));
  assert.deepEqual((await verifyKeyLog(folder)).findings, []);
  assert.equal(new Set(await compartments(folder)).size, 200);
});

test("a full file is finished, and the chain goes on in the next, also over a start", async (t) => {
  const { folder, log, clock } = await newLog(t, { fileBytes: 600 });
  await writeAll(log, 10);
  await log.close();
  const again = await openKeyLog({ folder, clock, fileBytes: 600 });
  await writeAll(again, 10, 10);
  await again.close();
  assert.ok((await readdir(folder)).length > 4);
  assert.deepEqual(await kinds(folder), []);
  assert.deepEqual(
    await compartments(folder),
    Array.from({ length: 20 }, (_, n) => `p${n}`),
  );
});

test("a start whose current file is gone goes on behind the last finished one", async (t) => {
  const { folder, log, clock } = await newLog(t);
  await writeAll(log, 3);
  await log.close();
  await rename(path(folder), join(folder, "key-log-000000000001.ndjson"));
  const again = await openKeyLog({ folder, clock });
  await writeAll(again, 1, 3);
  await again.close();
  assert.deepEqual(await kinds(folder), []);
});

test("only lines of the window are read, whatever order the clock gave them", async (t) => {
  const { folder, log, clock } = await newLog(t);
  for (const at of [0, 60_000, 30_000, 90_000]) {
    clock.at = start + at;
    assert.ok((await log.record(use(String(at)))).ok);
  }
  const window = { from: instant(start + 20_000), to: instant(start + 60_000) };
  assert.deepEqual(await compartments(folder, window), ["60000", "30000"]);
});

type Tamper = (lines: string[]) => string[];
const tampers: Record<string, { readonly kind: string; readonly tamper: Tamper }> = {
  "one changed in one name": {
    kind: "changed",
    tamper: (lines) => lines.map((line, i) => (i === 2 ? line.replace("p2", "p9") : line)),
  },
  "one removed": { kind: "missing", tamper: (lines) => lines.toSpliced(2, 1) },
  "the first ones removed": { kind: "missing", tamper: (lines) => lines.slice(2) },
  "two exchanged": {
    kind: "out-of-order",
    tamper: ([a = "", b = "", c = "", ...rest]) => [a, c, b, ...rest],
  },
  "one twice": { kind: "out-of-order", tamper: (lines) => lines.toSpliced(2, 0, lines[2] ?? "") },
  "one that is no line": { kind: "malformed", tamper: (lines) => lines.toSpliced(2, 1, "{}") },
};

for (const [what, { kind, tamper }] of Object.entries(tampers)) {
  test(`a log with ${what} is found out`, async (t) => {
    const { folder, log } = await newLog(t);
    await writeAll(log, 6);
    const lines = (await readFile(path(folder), "utf8")).trimEnd().split("\n");
    await writeFile(path(folder), `${tamper(lines).join("\n")}\n`);
    assert.ok((await kinds(folder)).includes(kind));
  });
}

test("a changed line is found out whichever byte of whichever line was changed", async (t) => {
  const { folder, log } = await newLog(t);
  await writeAll(log, 4);
  const bytes = await readFile(path(folder));
  const lastLine = bytes.lastIndexOf("\n", bytes.length - 2) + 1;
  const head = log.head();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: bytes.length - 2 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, flip) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
        await writeFile(path(folder), changed);
        // Nothing follows the last line yet: only a head kept elsewhere vouches for it.
        const { findings } = await verifyKeyLog(folder, at < lastLine ? [] : [head]);
        assert.ok(findings.length > 0);
      },
    ),
    { numRuns: 60 },
  );
});

test("lines cut off at the end are found out by a head that was written down elsewhere", async (t) => {
  const { folder, log } = await newLog(t);
  await writeAll(log, 4);
  const head = log.head();
  const lines = (await readFile(path(folder), "utf8")).split("\n");
  await writeFile(path(folder), `${lines.slice(0, 2).join("\n")}\n`);
  assert.deepEqual(await kinds(folder), []);
  const { findings } = await verifyKeyLog(folder, [head]);
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ["cut-off"],
  );
});

test("a line that a crash cut in two is put aside at the next start, and told", async (t) => {
  const { folder, log, clock } = await newLog(t);
  await writeAll(log, 3);
  await log.close();
  const whole = await readFile(path(folder));
  await writeFile(path(folder), Buffer.concat([whole, Buffer.from('{"line":4,"at":"20')]));
  assert.equal((await verifyKeyLog(folder)).unfinishedBytes, 18);
  const again = await openKeyLog({ folder, clock });
  t.after(() => again.close());
  const told = await again.record(use("p3"));
  assert.deepEqual(told, { ok: true, value: ["key-log-mended"] });
  assert.deepEqual(await compartments(folder), ["p0", "p1", "p2", "p3"]);
  assert.deepEqual(await kinds(folder), ["set-aside"]);
  const debris = (await readdir(folder)).filter((name) => name.includes("debris"));
  assert.equal(await readFile(join(folder, debris[0] ?? ""), "utf8"), '{"line":4,"at":"20');
});

test("an altered line stays as evidence over a start, is told, and hides none behind it", async (t) => {
  const { folder, log, clock } = await newLog(t);
  await writeAll(log, 4);
  await log.close();
  const text = (await readFile(path(folder), "utf8")).replace("p1", "p9");
  await writeFile(path(folder), text);
  const again = await openKeyLog({ folder, clock });
  t.after(() => again.close());
  assert.deepEqual(await again.record(use("p4")), { ok: true, value: ["key-log-mended"] });
  assert.deepEqual(await compartments(folder), ["p0", "p9", "p2", "p3", "p4"]);
  assert.deepEqual(await kinds(folder), ["changed"]);
});

test("a clock that is set back raises a signal once, and no line is lost or moved", async (t) => {
  const { folder, log, clock } = await newLog(t);
  await writeAll(log, 1);
  clock.at = start - 3_600_000;
  const first = await log.record(use("p1"));
  const second = await log.record(use("p2"));
  assert.deepEqual(first, { ok: true, value: ["clock-set-back"] });
  assert.deepEqual(second, { ok: true, value: [] });
  assert.deepEqual(await kinds(folder), []);
  assert.deepEqual(await compartments(folder), ["p0", "p1", "p2"]);
});

test("a clock set back while the process was off is noticed at its next line", async (t) => {
  const { folder, log, clock } = await newLog(t);
  await writeAll(log, 1);
  await log.close();
  clock.at = start - 60_000;
  const again = await openKeyLog({ folder, clock });
  t.after(() => again.close());
  assert.deepEqual(await again.record(use()), { ok: true, value: ["clock-set-back"] });
});

test("a log whose file is removed under it writes nothing more that would be lost", async (t) => {
  const { folder, log } = await newLog(t);
  await writeAll(log, 2);
  await rm(path(folder));
  const told = await log.record(use("p2"));
  assert.ok(!told.ok);
  assert.equal(told.problem.code, "audit-unavailable");
  assert.ok(!(await log.record(use("p3"))).ok);
});
