import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

interface Bundle {
  readonly total?: number;
  readonly entry?: readonly {
    readonly resource: { readonly resourceType: string; readonly id: string };
  }[];
}

const bundleOf = (text: string): Bundle => JSON.parse(text) as Bundle;

suite("the API of a demo deployment", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let visitor: Visitor;
  let patient: SignedIn;
  let patientId: string;

  before(async () => {
    phylax = await startDeployment();
    visitor = openVisitor(phylax.origin, phylax.authority());
    patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    const me = await patient.ask("GET", "/api/identity/me");
    const { patients } = JSON.parse(me.text) as { patients: readonly string[] };
    patientId = patients[0] ?? "";
  });
  after(async () => {
    await visitor.close();
    await phylax.remove();
  });

  test("a patient reads her own record with her token", async () => {
    const own = await patient.ask("GET", `/fhir/Patient/${patientId}`);
    assert.equal(own.status, 200, own.text);
    assert.equal(own.headers["content-type"], "application/fhir+json; charset=utf-8");
    const labs = await patient.ask(
      "GET",
      `/fhir/Observation?patient=${patientId}&category=laboratory&_count=200`,
    );
    assert.equal(labs.status, 200, labs.text);
    assert.ok((bundleOf(labs.text).entry?.length ?? 0) > 10);
  });

  test("an app finds the authorization server from the FHIR base alone", async () => {
    const found = await visitor.ask("GET", "/fhir/.well-known/smart-configuration");
    assert.equal(found.status, 200, found.text);
    const { token_endpoint: token } = JSON.parse(found.text) as { token_endpoint: string };
    assert.equal(token, `${phylax.origin}/oauth/token`);
    const metadata = await visitor.ask("GET", "/fhir/metadata");
    assert.match(metadata.text, /"resourceType":\s*"CapabilityStatement"/);
  });

  test("her token opens no other patient's record, and nobody's without her key", async () => {
    const clinician = await signIn(
      openVisitor(phylax.origin, phylax.authority()),
      printedSignIn(phylax.output(), "clinician"),
    );
    const panel = bundleOf((await clinician.ask("GET", "/fhir/Patient?_count=100")).text);
    const other = panel.entry?.find(
      ({ resource }) => resource.resourceType === "Patient" && resource.id !== patientId,
    )?.resource.id;
    assert.ok(other !== undefined, "the clinician has other patients");
    assert.equal((await clinician.ask("GET", `/fhir/Patient/${other}`)).status, 200);
    const denied = await patient.ask("GET", `/fhir/Patient/${other}`);
    assert.ok([403, 404].includes(denied.status), `${denied.status}`);
    assert.match(denied.text, /OperationOutcome/);
    const bare = await visitor.ask("GET", `/fhir/Patient/${patientId}`, {
      headers: { authorization: `DPoP ${patient.token}` },
    });
    assert.equal(bare.status, 401);
    const bearer = await visitor.ask("GET", `/fhir/Patient/${patientId}`, {
      headers: { authorization: `Bearer ${patient.token}` },
    });
    assert.equal(bearer.status, 401);
  });

  test("officers and operators open no record", async () => {
    for (const role of ["privacy-officer", "security-operator"]) {
      const officer = await signIn(
        openVisitor(phylax.origin, phylax.authority()),
        printedSignIn(phylax.output(), role),
      );
      const answer = await officer.ask("GET", `/fhir/Patient/${patientId}`);
      assert.ok([403, 404].includes(answer.status), `${role} got ${answer.status}`);
    }
  });

  test("a proof is good once", async () => {
    const path = `/fhir/Patient/${patientId}`;
    const headers = {
      authorization: `DPoP ${patient.token}`,
      dpop: patient.key.proof("GET", `${phylax.origin}${path}`, patient.token),
    };
    assert.equal((await visitor.ask("GET", path, { headers })).status, 200);
    assert.equal((await visitor.ask("GET", path, { headers })).status, 401);
  });

  test("who looked shows her own reading and the clinician's", async () => {
    const answer = await patient.ask("GET", `/api/records/access-log?patient=${patientId}`);
    assert.equal(answer.status, 200, answer.text);
    const { readings } = JSON.parse(answer.text) as {
      readings: readonly { who: string; action: string }[];
    };
    assert.ok(readings.some(({ who, action }) => who === "You" && action === "read"));
    assert.ok(readings.some(({ who }) => who !== "You" && !/import/i.test(who)));
  });

  test("signing out ends the session: the token opens nothing within a second", async () => {
    const again = await signIn(
      openVisitor(phylax.origin, phylax.authority()),
      printedSignIn(phylax.output(), "patient"),
    ).catch(() => null);
    const session = again ?? patient;
    assert.ok((await session.ask("POST", "/api/identity/sign-out")).status < 300);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal((await session.ask("GET", `/fhir/Patient/${patientId}`)).status, 401);
  });

  test("the log verifies, and no longer after one row was changed in the database", async () => {
    const clean = await phylax.run("audit", "verify", "--json");
    assert.equal(clean.code, 0, clean.out + clean.err);
    const { tamper } = await import("../support/tamper.ts");
    await tamper(
      phylax.home,
      "UPDATE audit.entry SET actor = 'nobody' WHERE seq = (SELECT min(seq) + 5 FROM audit.entry)",
    );
    const found = await phylax.run("audit", "verify", "--json");
    assert.equal(found.code, 1, found.out + found.err);
  });
});
