import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { runningServer } from "#storage/embedded.ts";
import { spawnPhylax, startDeployment, type TestDeployment } from "../support/deployment.ts";

/** Enough that their keys fill more than one batch of a rotation. */
const patients = 6_000;

interface Status {
  readonly epochs: readonly { readonly epoch: number; readonly keys: number }[];
  readonly lost: number;
  readonly dataKeys: number;
  readonly cutOff: readonly string[];
  readonly workRunning: boolean;
}

suite("work on keys that is killed in the middle", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let folder: string;
  let admin: Client;

  before(async () => {
    phylax = await startDeployment({ args: ["--empty"] });
    folder = mkdtempSync(join(tmpdir(), "phylax-life-"));
    const lines = Array.from({ length: patients }, (_, n) => patientLine(`p${n}`));
    await bringIn("town.ndjson", lines, patients);
    const connection = await runningServer(join(phylax.home, "postgres"));
    assert.ok(connection !== null);
    admin = new Client(connection);
    admin.on("error", () => {});
    await admin.connect();
  });
  after(async () => {
    await admin.end();
    await phylax.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const patientLine = (id: string): string => JSON.stringify({ resourceType: "Patient", id });

  async function bringIn(name: string, lines: readonly string[], created: number): Promise<void> {
    const path = join(folder, name);
    writeFileSync(path, lines.join("\n"));
    const { code, out, err } = await phylax.run("import", path, "--json");
    assert.equal(code, 0, err);
    assert.equal((JSON.parse(out) as { created: number }).created, created);
  }

  async function status(): Promise<Status> {
    return JSON.parse((await phylax.run("keys", "status", "--json")).out) as Status;
  }

  async function json(code: number, ...args: readonly string[]): Promise<Record<string, unknown>> {
    const ran = await phylax.run("keys", ...args, "--json");
    assert.equal(ran.code, code, `${args.join(" ")}: ${ran.out}${ran.err}`);
    return JSON.parse(ran.out) as Record<string, unknown>;
  }

  async function keysUnder(epoch: number): Promise<number> {
    const { rows } = await admin.query<{ count: string }>(
      "SELECT count(*) AS count FROM keyring.data_key WHERE kek_epoch = $1",
      [epoch],
    );
    return Number(rows[0]?.count);
  }

  /** Runs a command that hangs at the last key, waits until others are done, and kills it there. */
  async function killInTheMiddle(
    args: readonly string[],
    newEpoch: number,
    meanwhile: () => Promise<void>,
  ): Promise<void> {
    await admin.query("BEGIN");
    await admin.query("SELECT FROM keyring.data_key ORDER BY ctid DESC LIMIT 1 FOR UPDATE");
    const child: ChildProcess = spawnPhylax(phylax.home, ["keys", ...args]);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const end = performance.now() + 8_000;
    while ((await keysUnder(newEpoch)) < 100 && performance.now() < end) await sleep(20);
    await meanwhile();
    child.kill("SIGKILL");
    await gone;
    // The server would end the statement of a client that is gone, and so the step.
    await admin.query(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'phylax_keeper'",
    );
    await admin.query("ROLLBACK");
    const moved = await keysUnder(newEpoch);
    assert.ok(moved >= 100 && moved < patients, `${moved} keys were moved when it was killed`);
  }

  test("a second rotation meanwhile is refused, new patients are taken in, and after kill -9 the next one ends it", async () => {
    await killInTheMiddle(["rotate-kek"], 2, async () => {
      const second = await phylax.run("keys", "rotate-kek");
      assert.equal(second.code, 77, second.err);
      assert.match(second.err, /key-work-running/);
      await bringIn("late.ndjson", [patientLine("late")], 1);
    });
    const between = await phylax.run("keys", "status");
    assert.equal(between.code, 1);
    assert.match(between.out, /rotate-kek was cut off/);
    const rotated = await json(0, "rotate-kek");
    assert.deepEqual([rotated["kekEpoch"], rotated["resumed"], rotated["stuck"]], [2, true, []]);
    const { epochs, lost, cutOff } = await status();
    assert.deepEqual(epochs, [
      { ...epochs[0], epoch: 1, keys: 0 },
      { ...epochs[1], epoch: 2, keys: patients + 3 },
    ]);
    assert.deepEqual([lost, cutOff], [0, []]);
  });

  const order = ["--reason", "erasure ordered", "--second-officer", "b.okafor", "--yes"];

  test("a shredding that was killed is finished by the same command, and everyone else's keys open", async () => {
    const shredding = ["shred", "--patient", "p7", ...order];
    await killInTheMiddle(shredding, 3, async () => {});
    assert.deepEqual((await status()).cutOff, ["shred"]);
    const shredded = await json(0, ...shredding);
    assert.deepEqual([shredded["already"], shredded["kekEpoch"]], [false, 3]);
    const { epochs, lost, cutOff } = await status();
    assert.deepEqual(
      epochs.map(({ epoch, keys }) => [epoch, keys]),
      [[3, patients + 2]],
    );
    assert.deepEqual([lost, cutOff], [0, []]);
    assert.equal((await json(0, ...shredding))["already"], true);
  });

  test("every key that is left opens, the survivors' rows do, and the shredded patient has none", async () => {
    const rotated = await json(0, "rotate-kek", "--retire-old");
    assert.deepEqual([rotated["stuck"], rotated["rewrapped"]], [[], patients + 2]);
    const survivor = await json(0, "reseal", "--patient", "p8");
    assert.deepEqual([survivor["patients"], survivor["rows"], survivor["damaged"]], [1, 1, 0]);
    assert.equal((await json(1, "reseal", "--patient", "p7"))["patients"], 0);
  });

  test("the log has each step and is as signed", async () => {
    const { rows } = await admin.query<{ action: string; steps: string[] }>(
      `SELECT action, array_agg((convert_from(leaf, 'UTF8')::jsonb #>> '{reasons,0}') ORDER BY seq) AS steps
       FROM audit.entry WHERE action IN ('key-rotate', 'key-shred') GROUP BY action ORDER BY action`,
    );
    assert.deepEqual(rows, [
      { action: "key-rotate", steps: ["begun", "done", "begun", "retire-older", "done"] },
      { action: "key-shred", steps: ["begun", "resumed", "done"] },
    ]);
    const verified = await phylax.run("audit", "verify");
    assert.equal(verified.code, 0, verified.out + verified.err);
  });
});
