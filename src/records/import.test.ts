import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { importLimits } from "#records/import.ts";
import { testWorld, type TestWorld } from "#records/testing.ts";

const patient = (id: string): object => ({ resourceType: "Patient", id });

const condition = (id: string, of: string, text = "x"): object => ({
  resourceType: "Condition",
  id,
  code: { text },
  subject: { reference: `Patient/${of}` },
});

const outcomes = (lines: readonly Record<string, unknown>[]): readonly string[] =>
  lines.map(({ outcome, code }) => {
    const told = code ?? outcome;
    return typeof told === "string" ? told : "none";
  });

async function send(
  world: TestWorld,
  body: string | Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await world.operator.request({
    method: "POST",
    path: "/internal/import",
    headers: { "x-test-peer": "operator" },
    body,
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

test("a batch goes in, and the same again changes nothing", async (t) => {
  const world = await testWorld(t);
  const batch = [
    patient("ana"),
    condition("c1", "ana"),
    { resourceType: "Practitioner", id: "doc" },
  ];
  assert.deepEqual(outcomes(await world.bring(batch)), ["created", "created", "created"]);
  assert.deepEqual(outcomes(await world.bring(batch)), ["unchanged", "unchanged", "unchanged"]);
  const changed = [condition("c1", "ana", "y"), patient("ana")];
  assert.deepEqual(outcomes(await world.bring(changed)), ["updated", "unchanged"]);
});

test("bad lines are refused one by one, each with its reason, while the rest goes in", async (t) => {
  const world = await testWorld(t);
  const lines = await world.bring([
    condition("too-early", "ana"),
    patient("ana"),
    { resourceType: "Patient" },
    { resourceType: "Patient", id: "b", birthDate: "soon" },
    condition("c1", "ana"),
    condition("c2", "nobody"),
    { resourceType: "Spaceship", id: "s" },
    { resourceType: "Condition", id: "c3", subject: { display: "someone" } },
  ]);
  assert.deepEqual(outcomes(lines), [
    "reference-missing",
    "created",
    "resource-invalid",
    "resource-invalid",
    "created",
    "reference-missing",
    "resource-type-unknown",
    "compartment-unclear",
  ]);
  assert.deepEqual(
    lines.map(({ file, entry }) => [file, entry]),
    lines.map((_, entry) => ["test.ndjson", entry]),
  );
  assert.match(JSON.stringify(lines[3]), /Patient\.birthDate/);
});

test("one id twice in a batch is written in order", async (t) => {
  const world = await testWorld(t);
  const lines = await world.bring([
    patient("ana"),
    condition("c", "ana", "1"),
    condition("c", "ana", "2"),
  ]);
  assert.deepEqual(outcomes(lines), ["created", "created", "updated"]);
  const rows = await world.db.query<{ version: number }>(
    "SELECT version FROM records.resource WHERE id = 'c'",
  );
  assert.deepEqual(rows, [{ version: 2 }]);
});

test("a batch of several flushes finds patients that an earlier one brought", async (t) => {
  const world = await testWorld(t);
  const { linesPerFlush } = importLimits;
  const patients = Array.from({ length: linesPerFlush }, (_, n) => patient(`p${n}`));
  const conditions = patients.map((_, n) => condition(`c${n}`, `p${n}`));
  const lines = await world.bring([...patients, ...conditions]);
  assert.deepEqual(new Set(outcomes(lines)), new Set(["created"]));
  assert.equal(lines.length, 2 * linesPerFlush);
});

test("every row that is written is in the log, with the hash of what is stored", async (t) => {
  const world = await testWorld(t);
  await world.bring([patient("ana"), condition("c1", "ana"), condition("c2", "nobody")]);
  const entries = (await world.entries()).filter(({ action }) => action === "import");
  const rows = await world.db.query<{ id: string; sealed: Buffer; compartment: string }>(
    "SELECT id, sealed, compartment FROM records.resource ORDER BY id",
  );
  for (const { id, sealed, compartment } of rows) {
    const entry = entries.find(({ resourceId }) => resourceId === id);
    assert.equal(entry?.ciphertextHash, createHash("sha256").update(sealed).digest("base64url"));
    assert.deepEqual([entry.patient, entry.actor], [compartment, "operator:tester"]);
  }
  assert.equal(rows.length, 2);
  const refused = entries.filter(({ decision }) => decision === "error");
  assert.deepEqual(
    refused.map(({ reasons, count }) => [reasons, count]),
    [[["reference-missing"], 1]],
  );
});

test("only an operator's command may import", async (t) => {
  const world = await testWorld(t);
  const line = JSON.stringify({ file: "f", entry: 0, resource: patient("ana") });
  const got = await world.ask("POST", "/internal/import", { body: line });
  assert.equal(got.status, 403);
  assert.deepEqual(await world.db.query("SELECT FROM records.resource"), []);
  await world.records.close();
  const [denied] = (await world.entries()).filter(({ decision }) => decision === "deny");
  assert.deepEqual([denied?.action, denied?.reasons], ["import", ["forbidden"]]);
});

test("a batch beyond its limits is refused as a whole", async (t) => {
  const world = await testWorld(t);
  const many = await send(world, "{}\n".repeat(importLimits.lines + 1));
  assert.equal(many.status, 413);
  const large = await send(world, Buffer.alloc(importLimits.bodyBytes + 1, " "));
  assert.equal(large.status, 413);
  const nothing = await send(world, "\n\n");
  assert.deepEqual(nothing, { status: 200, text: "" });
});

test("when the database fails in the middle the batch can simply be sent again", async (t) => {
  let isCut = false;
  const world = await testWorld(t, {
    logDb: (db) => ({
      ...db,
      transaction: (work) =>
        isCut
          ? Promise.reject(new Error("Connection terminated unexpectedly"))
          : db.transaction(work),
    }),
  });
  const batch = [patient("ana"), condition("c1", "ana")];
  const body = batch
    .map((resource, entry) => JSON.stringify({ file: "f", entry, resource }))
    .join("\n");
  isCut = true;
  const cut = await send(world, body);
  assert.equal(cut.status, 503);
  assert.match(cut.text, /storage-unavailable/);
  assert.deepEqual(await world.db.query("SELECT FROM records.resource"), []);
  isCut = false;
  assert.equal((await send(world, body)).text.match(/created/g)?.length, 2);
});
