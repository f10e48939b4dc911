import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createTown } from "#town/town.ts";
import { startDeployment, type TestDeployment } from "../support/deployment.ts";

interface Answer {
  readonly patients: readonly {
    readonly patient: string;
    readonly evidence: readonly {
      readonly kind: string;
      readonly holder: string | null;
      readonly kekEpoch: number;
      readonly first: { readonly at: string; readonly place: string };
    }[];
  }[];
  readonly others: readonly { readonly compartment: string }[];
  readonly found: { readonly patients: number; readonly keyLogFindings: number };
}

const people = 3;

suite("exposure questions to a running deployment", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let begunAt: string;
  let rotatedAt: string;

  before(async () => {
    begunAt = new Date(Date.now() - 1_000).toISOString();
    phylax = await startDeployment({ args: ["--empty"] });
    const folder = mkdtempSync(join(tmpdir(), "phylax-exposure-"));
    const town = createTown({ seed: 5, patients: people, asOf: "2026-10-01" });
    const lines = [...town.organisation(), ...town.patients()].flat();
    const path = join(folder, "town.ndjson");
    writeFileSync(path, lines.map((resource) => JSON.stringify(resource)).join("\n"));
    const imported = await phylax.run("import", path);
    rmSync(folder, { recursive: true });
    assert.equal(imported.code, 0, imported.err);
    rotatedAt = new Date().toISOString();
    const rotated = await phylax.run("keys", "rotate-kek");
    assert.equal(rotated.code, 0, rotated.out + rotated.err);
  });
  after(() => phylax.remove());

  async function ask(...args: readonly string[]): Promise<Answer> {
    const { code, out, err } = await phylax.run("keys", "exposure", "--json", ...args);
    assert.equal(code, 0, err);
    const answer = JSON.parse(out) as Answer;
    assert.equal(answer.patients.length, answer.found.patients);
    assert.equal(answer.found.keyLogFindings, 0);
    return answer;
  }

  test("the records process exposes those whose keys it had, with entries of the log and lines of the key log", async () => {
    const { patients, others } = await ask("--host", "records@local", "--from", begunAt);
    assert.equal(patients.length, people);
    assert.deepEqual(
      others.map(({ compartment }) => compartment),
      ["organisation"],
    );
    for (const { evidence } of patients) {
      const places = evidence.map(({ first }) => first.place).join();
      assert.match(places, /phylax\/[0-9a-f-]+\/records#\d+/);
      assert.match(places, /key-log#\d+/);
      assert.ok(evidence.every(({ holder }) => holder === "records@local"));
    }
    const [first] = patients;
    const alone = await ask("--key", `${first?.patient ?? ""}/1`);
    assert.deepEqual(
      alone.patients.map(({ patient }) => patient),
      [first?.patient],
    );
  });

  test("before anything was there, nobody was exposed", async () => {
    const { patients, others } = await ask("--host", "records@local", "--to", begunAt);
    assert.deepEqual([patients, others], [[], []]);
    assert.equal((await ask("--kek-epoch", "1", "--to", begunAt)).patients.length, 0);
  });

  test("an epoch exposes what was under it, and a copy of the database with it what was then", async () => {
    assert.equal((await ask("--kek-epoch", "1", "--to", rotatedAt)).patients.length, people);
    assert.equal((await ask("--kek-epoch", "2", "--to", rotatedAt)).patients.length, 0);
    const now = await ask("--kek-epoch", "2", "--from", rotatedAt);
    assert.equal(now.patients.length, people);
    assert.equal((await ask("--backup", rotatedAt)).patients.length, 0);
    assert.equal((await ask("--backup", rotatedAt, "--kek-epoch", "1")).patients.length, people);
    assert.equal((await ask("--backup", rotatedAt, "--kek-epoch", "2")).patients.length, 0);
  });

  test("the machine that the keys process runs on exposes all, identity's key too", async () => {
    const { patients, others } = await ask("--host", "local");
    assert.equal(patients.length, people);
    assert.deepEqual(others.map(({ compartment }) => compartment).sort(), [
      "identity",
      "organisation",
    ]);
  });

  test("without --json a person reads how many and why", async () => {
    const { code, out } = await phylax.run("keys", "exposure", "--host", "keys");
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^${people} patients exposed\\.$`, "m"));
    assert.match(out, /wrapped-under-epoch: key version 1, KEK epoch 2: row/);
  });

  test("what cannot be meant is refused in clear words", async () => {
    const wrong: readonly (readonly [number, RegExp, readonly string[]])[] = [
      [64, /one thing/, []],
      [64, /one thing/, ["--host", "a", "--key", "organisation"]],
      [64, /later/, ["--kek-epoch", "1", "--from", "2026-02-01", "--to", "2026-01-01"]],
      [64, /takes a time/, ["--backup", "yesterday"]],
      [64, /one moment/, ["--backup", "2026-01-01", "--from", "2026-01-01"]],
      [64, /pseudonym/, ["--key", "Patient/1"]],
      [1, /No record names the host tablet-7.*records@local/, ["--host", "tablet-7"]],
    ];
    for (const [exit, said, args] of wrong) {
      const { code, err } = await phylax.run("keys", "exposure", ...args);
      assert.equal(code, exit, args.join(" "));
      assert.match(err, said);
    }
  });
});
