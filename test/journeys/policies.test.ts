import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
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
