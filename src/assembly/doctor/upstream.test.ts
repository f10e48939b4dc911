import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { checkUpstream } from "#assembly/doctor/upstream.ts";
import { openHome, type Home } from "#assembly/home.ts";
import { plainServer, plainServerToken } from "#records/upstream/testing.ts";

function homeOf(t: TestContext): Home {
  const folder = mkdtempSync(join(tmpdir(), "phylax-upstream-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = openHome(folder);
  assert.ok(home.ok);
  return home.value;
}

function write(home: Home, name: string, text: string): void {
  writeFileSync(home.file(name), text, { mode: 0o600 });
}

suite("the doctor on another server's records", () => {
  test("says nothing where records are kept here", async (t) => {
    assert.deepEqual(await checkUpstream({ home: homeOf(t) }), []);
  });

  test("says that nothing is sealed there, and that the server answers", async (t) => {
    const server = await plainServer(t);
    const statement = { resourceType: "CapabilityStatement", fhirVersion: "4.0.1" };
    server.answer("/metadata", ({ headers }, response) => {
      const status = headers.authorization === `Bearer ${plainServerToken}` ? 200 : 401;
      response.writeHead(status, { "content-type": "application/fhir+json" });
      response.end(JSON.stringify(statement));
    });
    const home = homeOf(t);
    const { origin, path } = server.base;
    const settings = { baseUrl: origin + path, caFile: "ca.pem", tokenFile: "token" };
    write(home, "upstream.json", JSON.stringify(settings));
    write(home, "ca.pem", server.ca);
    write(home, "token", `${plainServerToken}\n`);
    const [unsealed, answers] = await checkUpstream({ home });
    assert.equal(unsealed?.state, "warn");
    assert.match(unsealed.says, /nothing is sealed there.*unsecured/);
    assert.equal(answers?.state, "ok", answers?.says);
    server.stop();
    assert.deepEqual(
      (await checkUpstream({ home })).map(({ state }) => state),
      ["warn", "fail"],
    );
  });

  test("fails for settings or files that cannot be used", async (t) => {
    const home = homeOf(t);
    const stateOf = async (settings: object): Promise<readonly string[]> => {
      write(home, "upstream.json", JSON.stringify(settings));
      return (await checkUpstream({ home })).map(({ state }) => state);
    };
    const baseUrl = "https://127.0.0.1:9/fhir";
    assert.deepEqual(await stateOf({ baseUrl: "ftp://example.org" }), ["fail"]);
    assert.deepEqual(await stateOf({ baseUrl, caFile: "missing.pem" }), ["fail"]);
    assert.deepEqual(await stateOf({ baseUrl, tokenFile: "missing" }), ["warn", "fail"]);
  });
});
