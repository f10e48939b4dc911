import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Replay } from "#policy/replay.ts";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

const forbidding = `// Nobody looks at weights.
@id("own-no-observations")
forbid (principal, action in [Action::"read", Action::"search"], resource is PatientRecord)
when { resource.resourceType == "Observation" };
`;
const path = "/fhir/Observation?_count=1";
const waitMs = 30_000;

interface Check {
  readonly name: string;
  readonly state: string;
}

suite("an operator's own policies in a deployment", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let visitor: Visitor;
  let desk: Visitor;
  let patient: SignedIn;
  let operator: SignedIn;

  const write = (text: string): void => {
    const folder = join(phylax.home, "policies");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ours.cedar"), text);
  };
  const shows = async (): Promise<boolean> =>
    (await patient.ask("GET", path)).text.includes('"resourceType":"Observation"');
  const until = async (wanted: () => Promise<boolean>): Promise<void> => {
    const end = Date.now() + waitMs;
    while (!(await wanted())) {
      assert.ok(Date.now() < end, "it did not come about");
      await pause(250);
    }
  };
  const doctor = async (): Promise<string | undefined> => {
    const { out } = await phylax.run("doctor", "--json");
    const { checks } = JSON.parse(out) as { readonly checks: readonly Check[] };
    return checks.find(({ name }) => name === "Policies")?.state;
  };
  const isInLog = async (signal: string): Promise<boolean> => {
    const found = await operator.ask("GET", "/fhir/AuditEvent?_count=200");
    return found.text.includes(signal);
  };

  before(async () => {
    phylax = await startDeployment();
    visitor = openVisitor(phylax.origin, phylax.authority());
    desk = openVisitor(phylax.origin, phylax.authority());
    patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    operator = await signIn(desk, printedSignIn(phylax.output(), "security-operator"));
  });
  after(async () => {
    await visitor?.close();
    await desk?.close();
    await phylax?.remove();
  });

  test("are tried before: what they would change of what was decided", async () => {
    const folder = mkdtempSync(join(tmpdir(), "phylax-tried-"));
    try {
      writeFileSync(join(folder, "ours.cedar"), forbidding);
      assert.ok(await shows());
      const tried = await phylax.run("policy", "diff", "--policies", folder, "--json");
      assert.equal(tried.code, 1, tried.err);
      const { decisions, changes } = JSON.parse(tried.out) as Replay;
      assert.ok(decisions > 0);
      const change = changes.find(({ asked }) =>
        asked.startsWith("search PatientRecord Observation"),
      );
      assert.deepEqual([change?.was, change?.wouldBe], ["permit", "deny"]);
      assert.deepEqual(change?.by, ["own-no-observations"]);
      assert.equal((await phylax.run("policy", "diff", "--policies", "/nowhere")).code, 78);
      assert.equal(
        (await phylax.run("policy", "diff", "--policies", folder, "--days", "0")).code,
        64,
      );
      const line = change?.asked ?? "";
      const why = await phylax.run("policy", "explain", line, "--policies", folder);
      assert.match(why.out, /^deny {2}search PatientRecord Observation/);
      assert.match(why.out, /Nobody looks at weights/);
      assert.match((await phylax.run("policy", "explain", line)).out, /patient-own-record/);
      const cases = (expect: string): void =>
        writeFileSync(join(folder, "cases.json"), JSON.stringify([{ asked: line, expect }]));
      cases("deny");
      assert.equal((await phylax.run("policy", "test", "--policies", folder)).code, 0);
      cases("permit");
      const wrong = await phylax.run("policy", "test", "--policies", folder);
      assert.equal(wrong.code, 1);
      assert.match(wrong.out, /expected permit, is deny by own-no-observations/);
      writeFileSync(join(folder, "ours.cedar"), "forbid all of it");
      const spoilt = await phylax.run("policy", "test", "--policies", folder);
      assert.equal(spoilt.code, 1);
      assert.match(spoilt.err, /policy-unavailable/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("come into force while it runs", async () => {
    assert.ok(await shows());
    assert.equal(await doctor(), "ok");
    write(forbidding);
    await until(async () => !(await shows()));
  });

  test("stay in force when a file is spoilt, with an alarm in the log and a word of the doctor", async () => {
    write(`${forbidding} and so on`);
    await until(async () => isInLog("policy-refused"));
    assert.equal(await shows(), false);
    assert.equal(await doctor(), "fail");
  });

  test("go when the file is emptied", async () => {
    write("");
    await until(shows);
    assert.equal(await doctor(), "ok");
  });
});
