import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import { startDeployment, type TestDeployment } from "../support/deployment.ts";
import { tamper } from "../support/tamper.ts";

const patient = (family: string): object => ({
  resourceType: "Patient",
  id: "rolled-back",
  name: [{ family, given: ["Ana"] }],
});

/** What the import answered of each resource. */
async function importAll(
  phylax: TestDeployment,
  resources: readonly object[],
): Promise<readonly string[]> {
  const home = openHome(phylax.home);
  assert.ok(home.ok);
  const operator = await openOperator(home.value);
  try {
    const batch = resources
      .map((resource, entry) => JSON.stringify({ file: "test", entry, resource }))
      .join("\n");
    const answer = await operator.post(
      "records",
      "/internal/import",
      "application/x-ndjson",
      batch,
    );
    assert.ok(answer.ok);
    return answer.value
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { outcome: string }).outcome);
  } finally {
    await operator.close();
  }
}

/** Puts the row back to its first version, as a restored page of an old backup would. */
const rollBack = [
  `UPDATE records.resource r SET version = h.version, last_updated = h.last_updated,
     dek_version = h.dek_version, sealed = h.sealed
   FROM records.resource_history h
   WHERE r.type = 'Patient' AND r.id = 'rolled-back' AND h.type = r.type AND h.id = r.id`,
  "DELETE FROM records.resource_history WHERE id = 'rolled-back'",
];

suite("one row rolled back to an older version", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  before(async () => {
    phylax = await startDeployment({ args: ["--empty"] });
  });
  after(() => phylax.remove());

  test("as written, the stored versions are proven", async () => {
    assert.deepEqual(await importAll(phylax, [patient("Before"), patient("After")]), [
      "created",
      "updated",
    ]);
    const { code, out } = await phylax.run("audit", "verify", "--records");
    assert.equal(code, 0, out);
    assert.match(out, /✓ records: 2 stored versions, all as 2 entries of the log say/);
    assert.match(out, /✓ log of the keys process: \d+ lines, all as written/);
  });

  test("sealed anew under another key, they are proven still", async () => {
    const resealed = await phylax.run("keys", "reseal", "--all");
    assert.equal(resealed.code, 0, resealed.out + resealed.err);
    const { code, out } = await phylax.run("audit", "verify", "--records");
    assert.equal(code, 0, out);
    assert.match(out, /✓ records: 2 stored versions, all as 4 entries of the log say/);
  });

  test("it is found with --records, named without anything of its content, and the log alone stays clean", async () => {
    for (const statement of rollBack) assert.equal(await tamper(phylax.home, statement), 1);
    const plain = await phylax.run("audit", "verify");
    assert.equal(plain.code, 0, plain.out);
    const { code, out } = await phylax.run("audit", "verify", "--records");
    assert.equal(code, 1);
    assert.match(out, /Patient\/rolled-back was rolled back to version 1: version 2 was written/);
    assert.doesNotMatch(out, /Before|After|Ana/);
  });

  test("--json names type, id and versions", async () => {
    const { code, out } = await phylax.run("audit", "verify", "--records", "--json");
    assert.equal(code, 1);
    const { verified, records } = JSON.parse(out) as Record<string, Record<string, unknown>>;
    assert.equal(verified, false);
    assert.deepEqual(records, {
      rows: 1,
      writes: 4,
      findings: [
        { kind: "row-rolled-back", type: "Patient", id: "rolled-back", version: 1, newest: 2 },
      ],
      findingCount: 1,
    });
  });

  test("a line changed in the log of the keys process is found by verify", async () => {
    const path = join(phylax.home, "keys", "key-log.ndjson");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"role":"records"', '"role":"identity"'));
    const { code, out } = await phylax.run("audit", "verify");
    writeFileSync(path, text);
    assert.equal(code, 1);
    assert.match(out, /✗ log of the keys process/);
  });
});
