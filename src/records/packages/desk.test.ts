import assert from "node:assert/strict";
import { test } from "node:test";
import { isRecord } from "#core/jws.ts";
import { openInstalledPackages } from "#records/packages/installed.ts";
import { testPackage } from "#records/packages/testing.ts";
import { testWorld, type TestWorld } from "#records/testing.ts";

const url = "http://e.example/ValueSet/v";
const valueSet = (version: string): object => ({ resourceType: "ValueSet", url, version });

async function install(
  world: TestWorld,
  archive: Buffer,
  peer = "operator",
): Promise<{ readonly status: number; readonly answer: Readonly<Record<string, unknown>> }> {
  const { statusCode, body } = await world.operator.request({
    method: "POST",
    path: "/internal/fhir/packages",
    headers: {
      "x-test-peer": peer,
      "phylax-operator": "tester",
      "content-type": "application/gzip",
    },
    body: archive,
  });
  const answer: unknown = JSON.parse(await body.text());
  return { status: statusCode, answer: isRecord(answer) ? answer : {} };
}

test("a package that an operator installs is durable, logged and changes nothing twice", async (t) => {
  const world = await testWorld(t);
  const archive = testPackage("e.example", "1.0.0", [valueSet("1")]);
  const first = await install(world, archive);
  assert.equal(first.status, 200);
  assert.equal(first.answer["changed"], true);
  const second = await install(world, archive);
  assert.equal(second.answer["changed"], false);
  const entries = (await world.entries()).filter(({ action }) => action === "package-install");
  assert.deepEqual(
    entries.map(({ actor, reasons, count }) => [actor, reasons, count]),
    [["operator:tester", ["e.example#1.0.0"], 1]],
  );
  const restarted = await openInstalledPackages(world.db);
  assert.ok(restarted.ok);
  t.after(() => restarted.value.close());
  assert.equal(restarted.value.current().valueSet(url)?.version, "1");
});

test("the archive that comes under the same name and version takes the other's place", async (t) => {
  const world = await testWorld(t);
  await install(world, testPackage("e.example", "1.0.0", [valueSet("1"), valueSet("0")]));
  await install(world, testPackage("f.example", "1.0.0", [valueSet("3")]));
  const known = await openInstalledPackages(world.db);
  assert.ok(known.ok);
  t.after(() => known.value.close());
  assert.equal(known.value.current().valueSet(url)?.version, "3");
  await install(world, testPackage("e.example", "1.0.0", [valueSet("2")]));
  assert.ok((await known.value.refresh()).ok);
  const now = known.value.current();
  assert.equal(now.valueSet(url)?.version, "2", "what was installed last answers");
  assert.notEqual(now.valueSet(`${url}|3`), null);
  assert.equal(now.valueSet(`${url}|0`), null);
});

test("an archive that is no package leaves all as it was", async (t) => {
  const world = await testWorld(t);
  const refused = await install(world, Buffer.from("no archive"));
  assert.equal(refused.status, 422);
  assert.match(String(refused.answer["type"]), /package-refused/);
  const rows = await world.db.query("SELECT FROM records.fhir_package");
  assert.equal(rows.length, 0);
});

test("nobody but an operator's command installs a package", async (t) => {
  const world = await testWorld(t);
  const archive = testPackage("e.example", "1.0.0", [valueSet("1")]);
  const refused = await install(world, archive, "gateway");
  assert.equal(refused.status, 403);
});
