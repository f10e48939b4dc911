import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

suite("honey among the records of a demo", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let visitor: Visitor;
  let clinician: SignedIn;

  const patientsSeen = async (): Promise<string> =>
    (await clinician.ask("GET", "/fhir/Patient?_count=200")).text;
  const json = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { code, out, err } = await phylax.run(...args, "--json");
    assert.equal(code, 0, `${args.join(" ")}: ${err}${out}`);
    return JSON.parse(out) as Record<string, unknown>;
  };

  before(async () => {
    phylax = await startDeployment();
    visitor = openVisitor(phylax.origin, phylax.authority());
    clinician = await signIn(visitor, printedSignIn(phylax.output(), "clinician"));
  });
  after(async () => {
    await visitor.close();
    await phylax.remove();
  });

  test("is laid by one command, and staff see the same patients as before", async () => {
    const before = await patientsSeen();
    const laid = await json("keys", "honey", "--count", "2");
    assert.equal(laid["patients"], 2);
    // Each has more than her name; how much more is the town's seed, which differs by deployment.
    assert.ok(Number(laid["records"]) > 2, JSON.stringify(laid));
    assert.equal(await patientsSeen(), before);
  });

  test("a count that is none is refused as usage", async () => {
    for (const count of ["0", "-1", "many", "1000000"])
      assert.equal((await phylax.run("keys", "honey", "--count", count)).code, 64, count);
  });

  test("is sealed anew with all others, and log and rows still prove each other", async () => {
    const before = await patientsSeen();
    await json("keys", "reseal", "--all");
    assert.equal(await patientsSeen(), before);
    await json("audit", "verify", "--records");
  });
});
