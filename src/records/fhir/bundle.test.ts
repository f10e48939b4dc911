import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseInstant } from "#core/clock.ts";
import { parseResourceId, parseResourceType } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { historyBundle, searchsetBundle, transactionResponse } from "#records/fhir/bundle.ts";
import { parsedOf } from "#records/fhir/testing.ts";

const publicOrigin = "https://localhost:8443";
const type = parseResourceType("Observation") ?? assert.fail();
const id = parseResourceId("o1") ?? assert.fail();
const lastUpdated = parseInstant(Date.parse("2024-05-09T08:00:00Z")) ?? assert.fail();
const text =
  '{"resourceType":"Observation","id":"o1", "status":"final","code":{"text":"x"},"valueQuantity":{"value":1.500}}';

suite("a searchset", () => {
  test("is a valid Bundle that holds each text as it was stored", () => {
    const links = { self: `${publicOrigin}/fhir/Observation`, next: `${publicOrigin}/next` };
    const bundle = searchsetBundle({
      publicOrigin,
      links,
      total: 7,
      entries: [{ mode: "match", resource: { type, id, text } }],
    });
    assert.ok(bundle.includes(`"resource":${text},`));
    const { value } = parsedOf(bundle);
    assert.ok(value.resourceType === "Bundle");
    assert.deepEqual(
      [value.type, value.total, value.link?.map(({ relation }) => relation)],
      ["searchset", 7, ["self", "next"]],
    );
    assert.equal(value.entry?.[0]?.fullUrl, `${publicOrigin}/fhir/Observation/o1`);
    assert.equal(value.entry[0].search?.mode, "match");
  });

  test("of nothing has no entry, as R4 knows no empty array", () => {
    const links = { self: `${publicOrigin}/fhir/Observation` };
    const { value } = parsedOf(searchsetBundle({ publicOrigin, links, total: 0, entries: [] }));
    assert.deepEqual(Object.keys(value), ["resourceType", "type", "total", "link"]);
  });
});

test("a history is a valid Bundle that tells creation, change and deletion apart", () => {
  const stored = { type, id, lastUpdated };
  const bundle = historyBundle({
    publicOrigin,
    links: { self: `${publicOrigin}/fhir/Observation/o1/_history` },
    total: 3,
    versions: [
      { ...stored, version: 3, text: null },
      { ...stored, version: 2, text },
      { ...stored, version: 1, text },
    ],
  });
  const { value } = parsedOf(bundle);
  assert.ok(value.resourceType === "Bundle");
  const told = value.entry?.map(({ request, response, resource }) => [
    request?.method,
    response?.status,
    response?.etag,
    resource !== undefined,
  ]);
  assert.deepEqual(told, [
    ["DELETE", "204", 'W/"3"', false],
    ["PUT", "200", 'W/"2"', true],
    ["PUT", "201", 'W/"1"', true],
  ]);
  assert.equal(value.entry?.[0]?.response?.lastModified, "2024-05-09T08:00:00.000Z");
});

test("the response to a transaction is a valid Bundle with an outcome for each entry", () => {
  const written = { kind: "written", type, id, lastUpdated } as const;
  const response = transactionResponse("batch", publicOrigin, [
    { ...written, created: true, version: 1, text },
    { ...written, created: false, version: 2, text: null },
    { kind: "deleted", version: 3, lastUpdated },
    { kind: "deleted", version: null, lastUpdated: null },
    { kind: "shown", text, version: 2 },
    { kind: "failed", status: 404, problem: problem("not-found") },
  ]);
  const { value } = parsedOf(response);
  assert.ok(value.resourceType === "Bundle");
  assert.equal(value.type, "batch-response");
  assert.deepEqual(
    value.entry?.map(({ response: told }) => told?.status),
    ["201 Created", "200 OK", "204 No Content", "204 No Content", "200 OK", "404"],
  );
  const [first] = value.entry ?? [];
  assert.equal(first?.response?.location, `${publicOrigin}/fhir/Observation/o1/_history/1`);
  assert.equal(value.entry?.[5]?.response?.outcome?.resourceType, "OperationOutcome");
  assert.equal(transactionResponse("transaction", publicOrigin, []).includes("entry"), false);
});
