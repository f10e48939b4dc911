import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { plainServer, plainServerToken } from "#records/upstream/testing.ts";
import { openVisitor, signIn } from "../support/client.ts";
import { printedSignIn, startDeployment } from "../support/deployment.ts";

test(
  "a deployment with upstream.json guards another server's records, and says that nothing is sealed there",
  { timeout: 300_000 },
  async (t) => {
    const phylax = await startDeployment();
    t.after(() => phylax.remove());
    await phylax.stop();
    const server = await plainServer(t);
    const write = (name: string, text: string): void =>
      writeFileSync(join(phylax.home, name), text, { mode: 0o600 });
    const baseUrl = server.base.origin + server.base.path;
    write("ca.pem", server.ca);
    write("token", plainServerToken);
    write("upstream.json", JSON.stringify({ baseUrl, caFile: "ca.pem", tokenFile: "token" }));
    await phylax.startAgain();

    const visitor = openVisitor(phylax.origin, phylax.authority());
    t.after(() => visitor.close());
    const patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    const me = await patient.ask("GET", "/api/identity/me");
    const [id = ""] = (JSON.parse(me.text) as { patients: readonly string[] }).patients;
    const note = (name: string, of: string) =>
      ({
        resourceType: "Observation",
        id: name,
        status: "final",
        code: { text: "Told by the server behind" },
        subject: { reference: `Patient/${of}` },
      }) as const;
    await server.keep(note("hers", id), note("others", "somebody-else"));

    const hers = await patient.ask("GET", "/fhir/Observation/hers");
    assert.equal(hers.status, 200, hers.text);
    assert.match(hers.text, /Told by the server behind/);
    const found = await patient.ask("GET", `/fhir/Observation?patient=${id}`);
    assert.match(found.text, /"id":"hers"/);
    assert.doesNotMatch(found.text, /others/);
    assert.equal((await patient.ask("GET", "/fhir/Observation/others")).status, 404);
    assert.equal((await patient.ask("GET", "/fhir/Observation/hers/_history")).status, 501);
    const log = await patient.ask("GET", `/api/records/access-log?patient=${id}`);
    assert.equal(log.status, 200, log.text);
    assert.match(log.text, /Observation/);

    const { out } = await phylax.run("doctor", "--json");
    const { checks } = JSON.parse(out) as { checks: readonly { name: string; says: string }[] };
    const says = checks.filter(({ name }) => name === "Upstream").map((check) => check.says);
    assert.match(says.join(), /nothing is sealed there/);
    assert.match((await phylax.run("status")).out, /nothing is sealed there/);
  },
);
