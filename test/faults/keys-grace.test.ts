import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  openVisitor,
  signIn,
  type Answer,
  type SignedIn,
  type Visitor,
} from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

interface Status {
  readonly keys?: string | null;
  readonly processes?: Readonly<Record<string, number | null>>;
}

const graceSeconds = 10;

suite("a keys process that falls silent", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let visitor: Visitor;
  let patient: SignedIn;
  let patientId: string;
  let keysPid: number;

  const status = async (): Promise<Status> =>
    JSON.parse((await phylax.run("status", "--json")).out) as Status;
  const read = (): Promise<Answer> => patient.ask("GET", `/fhir/Patient/${patientId}`);
  const untilKeysAre = async (health: string, withinMs: number): Promise<void> => {
    const end = performance.now() + withinMs;
    while (performance.now() < end) {
      if ((await status()).keys === health) return;
      await sleep(100);
    }
    assert.fail(`keys were not ${health} within ${withinMs} ms`);
  };

  before(async () => {
    phylax = await startDeployment({
      variables: { PHYLAX_KEYS_GRACE_SECONDS: String(graceSeconds) },
    });
    visitor = openVisitor(phylax.origin, phylax.authority());
    patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    const me = await patient.ask("GET", "/api/identity/me");
    patientId = (JSON.parse(me.text) as { patients: readonly string[] }).patients[0] ?? "";
    const found = await status();
    assert.equal(found.keys, "ok");
    keysPid = found.processes?.["keys"] ?? 0;
    assert.ok(keysPid > 0);
  });
  after(async () => {
    // One that is stopped takes no other signal.
    process.kill(keysPid, "SIGCONT");
    await visitor.close();
    await phylax.remove();
  });

  test("is told of at once, while records with keys in memory are read on", async () => {
    assert.equal((await read()).status, 200);
    process.kill(keysPid, "SIGSTOP");
    await untilKeysAre("grace", 9_000);
    assert.equal((await read()).status, 200);
  });

  test("closes everything once the grace is over, with a clear error", async () => {
    await untilKeysAre("gone", (graceSeconds + 8) * 1_000);
    const refused = await read();
    assert.equal(refused.status, 503, refused.text);
    assert.match(refused.text, /key-unavailable/);
    const searched = await patient.ask("GET", `/fhir/Observation?patient=${patientId}`);
    assert.equal(searched.status, 503, searched.text);
    const said = await phylax.run("status");
    assert.match(said.out, /keys process does not answer; no record can be read or written/);
  });

  test("is forgiven when it answers again", async () => {
    process.kill(keysPid, "SIGCONT");
    await untilKeysAre("ok", 15_000);
    assert.equal((await read()).status, 200);
  });

  test("leaves each change of health in the operational log, and nothing of anyone's record", () => {
    const log = readFileSync(join(phylax.home, "log", "records.log"), "utf8");
    const healths = log
      .split("\n")
      .filter((line) => line.includes('"keys-health"'))
      .map((line) => (JSON.parse(line) as { health: string }).health);
    assert.deepEqual(healths, ["grace", "gone", "ok"]);
    assert.ok(!log.includes(patientId));
  });
});
