import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Client } from "pg";
import type { AuditEntry } from "#core/audit-entry.ts";
import { parseInstant, systemClock, toIso, type Instant } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { testEntry, testLog, write } from "#audit/testing.ts";
import type { KeyLogLine } from "#keys/log-line.ts";
import { testVault } from "#vault/testing.ts";
import {
  exposureOf,
  type Exposed,
  type ExposureDeps,
  type ExposureQuestion,
} from "#breach/exposure.ts";
import { exposureLimits } from "#breach/limits.ts";

const start = Date.UTC(2026, 0, 1);
const { residenceMs } = exposureLimits;

/** So many minutes into 2026. */
function minute(n: number): Instant {
  const at = parseInstant(start + n * 60_000);
  assert.ok(at !== null);
  return at;
}

const [ana, bob, eve] = ["1a", "1b", "ff"].map(
  (byte) => `${byte}${systemRandom.uuid().slice(2)}`,
) as [string, string, string];

interface Kit {
  readonly origin: string;
  /** One entry of the log about a key. */
  readonly entry: (n: number, known: Partial<AuditEntry>) => Promise<void>;
  readonly key: (compartment: string, kekEpoch: number, createdAt: Instant) => Promise<void>;
  readonly shred: (compartment: string, at: Instant, finishedAt: Instant | null) => Promise<void>;
  readonly line: (
    minutes: number,
    known: Pick<KeyLogLine, "action" | "given"> & { readonly host?: string },
  ) => void;
  readonly ask: (
    question: ExposureQuestion,
    deps?: Partial<ExposureDeps>,
  ) => Promise<readonly Exposed[]>;
  readonly sql: (text: string) => Promise<void>;
}

async function kitOf(t: TestContext): Promise<Kit> {
  const { database, origin, log } = await testLog(t);
  const scratch = mkdtempSync(join(tmpdir(), "phylax-exposure-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const admin = new Client(database.admin);
  admin.on("error", () => {});
  await admin.connect();
  t.after(() => admin.end());
  await admin.query("SELECT set_config('phylax.tenant', $1, false)", [database.tenant]);
  const lines: KeyLogLine[] = [];
  const deps: ExposureDeps = {
    db: database.as("phylax_auditor", 1),
    keyLog: async function* ({ from, to }) {
      for (const line of lines) if (line.at >= from && line.at <= to) yield line;
    },
    hostOf: () => "local",
    epochs: [],
    residenceMs,
    clock: systemClock,
    scratch,
  };
  return {
    origin,
    entry: (minutes, known) =>
      write(log, [[testEntry(0, { time: minute(minutes), actor: "process:records", ...known })]]),
    key: async (compartment, kekEpoch, createdAt) => {
      await admin.query(
        `INSERT INTO keyring.data_key (compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
         VALUES ($1, 1, $2, $3, $4, $5)`,
        [compartment, kekEpoch, Buffer.alloc(60), Buffer.alloc(32), toIso(createdAt)],
      );
    },
    shred: async (compartment, at, finishedAt) => {
      await admin.query("DELETE FROM keyring.data_key WHERE compartment = $1", [compartment]);
      await admin.query(
        `INSERT INTO keyring.shredded (compartment, at, reason, officer, second_officer, last_epoch, finished_at)
         VALUES ($1, $2, 'asked for', 'one', 'other', 1, $3)`,
        [compartment, toIso(at), finishedAt === null ? null : toIso(finishedAt)],
      );
    },
    line: (minutes, { host = "local", ...known }) => {
      const caller = { role: "records", host } as const;
      const about = { caller, outcome: "done", refused: [], signals: [] } as const;
      lines.push({
        ...about,
        ...known,
        line: lines.length + 1,
        at: minute(minutes),
        before: Buffer.alloc(32),
      });
    },
    ask: async (question, changed = {}) => {
      const found: Exposed[] = [];
      for await (const exposed of exposureOf(question, { ...deps, ...changed }))
        found.push(exposed);
      assert.deepEqual(readdirSync(scratch), [], "nothing is left on disk");
      return found;
    },
    sql: async (text) => {
      await admin.query(text);
    },
  };
}

const named = (found: readonly Exposed[]): readonly string[] =>
  found.map(({ compartment }) => compartment);
const made = (compartment: string, kekEpoch = 1) => ({ compartment, dekVersion: 1, kekEpoch });
const everything = { from: null, until: null } as const;

test("a host exposes what came into its memory and what was there already, with time and place", async (t) => {
  const kit = await kitOf(t);
  await kit.entry(0, { action: "unwrap", patient: ana, dekVersion: 2, reasons: ["kek-epoch-3"] });
  await kit.entry(10, { action: "read", patient: eve });
  await kit.entry(12, { action: "unwrap", patient: bob, dekVersion: 1, reasons: ["kek-epoch-3"] });
  kit.line(12, { action: "unwrap", given: [made(bob, 3)] });
  kit.line(12, { action: "unwrap", given: [made(eve, 3)], host: "10.0.0.9" });
  const window = { from: minute(11), until: minute(13) };
  const found = await kit.ask({ kind: "host", host: "local", role: null, window });
  assert.deepEqual(named(found), [ana, bob]);
  const mark = { at: minute(0), place: `${kit.origin}#0` };
  assert.deepEqual(found[0], {
    compartment: ana,
    patient: ana,
    shreddedAt: null,
    evidence: [
      {
        kind: "resident",
        record: "unwrap",
        dekVersion: 2,
        kekEpoch: 3,
        holder: "records@local",
        certain: true,
        first: mark,
        last: mark,
        count: 1,
      },
    ],
  });
  assert.deepEqual(
    found[1]?.evidence.map(({ kind, first }) => [kind, first.place]),
    [
      ["unwrapped", `${kit.origin}#2`],
      ["unwrapped", "key-log#1"],
    ],
  );
  const later = { from: minute(17), until: minute(18) };
  assert.deepEqual(
    named(await kit.ask({ kind: "host", host: "local", role: null, window: later })),
    [bob],
  );
  assert.deepEqual(
    named(await kit.ask({ kind: "host", host: "10.0.0.9", role: "records", window })),
    [eve],
  );
  assert.deepEqual(await kit.ask({ kind: "host", host: "local", role: "identity", window }), []);
});

test("an entry whose host nobody knows counts for every host", async (t) => {
  const kit = await kitOf(t);
  await kit.entry(1, { action: "unwrap", patient: ana, dekVersion: 1 });
  const question = { kind: "host", host: "elsewhere", role: null, window: everything } as const;
  assert.deepEqual(await kit.ask(question), []);
  assert.deepEqual(named(await kit.ask(question, { hostOf: () => null })), [ana]);
});

test("an epoch exposes the rows under it now and those wrapped anew since", async (t) => {
  const kit = await kitOf(t);
  for (const one of [ana, bob, eve]) kit.line(0, { action: "generate", given: [made(one)] });
  await kit.entry(30, { action: "key-rotate", patient: null, reasons: ["begun", "kek-epoch-2"] });
  kit.line(30, { action: "rewrap", given: [made(ana), made(eve)] });
  await kit.key(ana, 2, minute(0));
  await kit.key(bob, 1, minute(0));
  await kit.key(eve, 2, minute(0));
  const ask = async (epoch: number, from: number, until: number) =>
    named(
      await kit.ask({
        kind: "kek-epoch",
        epoch,
        window: { from: minute(from), until: minute(until) },
      }),
    );
  assert.deepEqual(await ask(1, 10, 20), [ana, bob, eve]);
  assert.deepEqual(await ask(1, 50, 60), [ana, bob, eve], "no record shows that they had left it");
  await kit.entry(40, { action: "unwrap", patient: ana, dekVersion: 1, reasons: ["kek-epoch-2"] });
  assert.deepEqual(await ask(1, 50, 60), [bob, eve]);
  assert.deepEqual(await ask(2, 10, 20), [], "before it began");
  assert.deepEqual(await ask(2, 35, 45), [ana, eve]);
  assert.deepEqual(await ask(3, 35, 45), []);
});

test("a stolen copy exposes nobody without a key, and with an epoch those under it then", async (t) => {
  const kit = await kitOf(t);
  for (const one of [ana, bob]) kit.line(0, { action: "generate", given: [made(one)] });
  kit.line(50, { action: "generate", given: [made(eve)] });
  for (const one of [ana, bob, eve]) await kit.key(one, 1, minute(one === eve ? 50 : 0));
  assert.deepEqual(await kit.ask({ kind: "backup", at: minute(40), epoch: null }), []);
  const copy = { kind: "backup", at: minute(40), epoch: 1 } as const;
  assert.deepEqual(named(await kit.ask(copy)), [ana, bob]);
  await kit.shred(bob, minute(60), minute(61));
  const found = await kit.ask(copy);
  assert.deepEqual(
    found.map(({ patient, shreddedAt }) => [patient, shreddedAt]),
    [
      [ana, null],
      [bob, minute(60)],
    ],
    "who was shredded since stays counted",
  );
  assert.deepEqual(named(await kit.ask({ kind: "backup", at: minute(70), epoch: 1 })), [ana, eve]);
});

test("the keys process exposes all that its epochs could unwrap, the organisation's key too", async (t) => {
  const kit = await kitOf(t);
  await kit.entry(0, {
    action: "key-create",
    patient: null,
    dekVersion: 1,
    reasons: ["kek-epoch-1"],
  });
  await kit.entry(0, {
    action: "key-create",
    patient: ana,
    dekVersion: 1,
    reasons: ["kek-epoch-1"],
  });
  for (const one of ["organisation", bob, eve]) await kit.key(one, 2, minute(5));
  await kit.shred(ana, minute(20), minute(30));
  const ask = async (from: number, until: number) =>
    named(
      await kit.ask({ kind: "keys-host", window: { from: minute(from), until: minute(until) } }),
    );
  assert.deepEqual(await ask(1, 2), [ana, "organisation"]);
  assert.deepEqual(await ask(25, 26), [ana, bob, eve, "organisation"], "her epoch was still there");
  assert.deepEqual(await ask(40, 41), [bob, eve, "organisation"]);
});

test("a key exposes its patient from its making on, with the places it could be taken from", async (t) => {
  const kit = await kitOf(t);
  await kit.key(ana, 1, minute(10));
  await kit.key(bob, 1, minute(10));
  kit.line(10, { action: "generate", given: [made(ana), made(bob)] });
  kit.line(30, { action: "unwrap", given: [made(ana)] });
  const ask = (dekVersion: number | null, from: number, until: number) =>
    kit.ask({
      kind: "key",
      compartment: ana,
      dekVersion,
      window: { from: minute(from), until: minute(until) },
    });
  assert.deepEqual(await ask(1, 0, 10), []);
  const [found, ...others] = await ask(null, 25, 40);
  assert.deepEqual([found?.patient, others], [ana, []]);
  assert.deepEqual(
    found?.evidence.map(({ kind, record }) => `${kind} ${record}`),
    ["resident create", "unwrapped unwrap", "existed create", "existed row"],
  );
  assert.deepEqual(await ask(2, 25, 40), []);
});

test("identity's own key is no patient's", async (t) => {
  const kit = await kitOf(t);
  kit.line(1, { action: "unwrap", given: [made("identity")] });
  const question = { kind: "host", host: "local", role: null, window: everything } as const;
  assert.deepEqual(
    (await kit.ask(question)).map(({ compartment, patient }) => [compartment, patient]),
    [["identity", null]],
  );
});

test("more entries and keys than are read at a time are all counted", async (t) => {
  const kit = await kitOf(t);
  const many = 9_000;
  await kit.entry(0, { action: "unwrap", patient: ana, dekVersion: 1, reasons: ["kek-epoch-1"] });
  await kit.sql(
    `INSERT INTO audit.entry (log_id, seq, leaf, leaf_hash, time, action, decision, patient)
     SELECT log_id, n, convert_to(replace(convert_from(leaf, 'UTF8'), patient::text, p::text), 'UTF8'),
       leaf_hash, time + n % 7, action, decision, p
     FROM audit.entry, generate_series(1, ${many}) AS n,
       LATERAL (SELECT ('1c' || substr(md5((n / 3)::text), 3))::uuid AS p) AS patients`,
  );
  await kit.sql(
    `INSERT INTO keyring.data_key (compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
     SELECT ('2d' || substr(md5(n::text), 3))::uuid::text, 1, 1, decode(repeat('00', 60), 'hex'),
       decode(repeat('00', 32), 'hex'), now() FROM generate_series(1, ${many}) AS n`,
  );
  const host = { kind: "host", host: "local", role: null, window: everything } as const;
  const found = await kit.ask(host);
  assert.equal(found.length, many / 3 + 2);
  assert.equal(
    found.reduce((sum, { evidence }) => sum + evidence.reduce((n, { count }) => n + count, 0), 0),
    many + 1,
  );
  const under = await kit.ask({ kind: "kek-epoch", epoch: 1, window: everything });
  assert.equal(under.length, found.length + many);
});

test("an entry that cannot be read is told, and speaks for nothing", async (t) => {
  const kit = await kitOf(t);
  await kit.entry(0, { action: "unwrap", patient: ana, dekVersion: 1 });
  await kit.sql("UPDATE audit.entry SET leaf = 'x'::bytea");
  const places: string[] = [];
  const host = { kind: "host", host: "local", role: null, window: everything } as const;
  assert.deepEqual(await kit.ask(host, { onUnreadable: (place) => places.push(place) }), []);
  assert.deepEqual(places, [`${kit.origin}#0`]);
});

test("a key leaves memory no later than is reckoned with", async (t) => {
  let nowMs = 0;
  const clock = { now: () => systemClock.now(), monotonicMs: () => nowMs };
  const { another } = await testVault(t);
  const vault = await another({ clock });
  const created = await vault.create(["organisation"]);
  assert.ok(created.ok);
  assert.notEqual(vault.cached("organisation", 1), null);
  nowMs = residenceMs - 60_000;
  assert.equal(vault.cached("organisation", 1), null);
});
