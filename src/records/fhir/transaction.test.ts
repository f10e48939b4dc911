import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { limits } from "#core/limits.ts";
import type { Result } from "#core/result.ts";
import { r4Alone } from "#records/fhir/conformance.ts";
import {
  nothingResolved,
  planTransaction,
  readBundle,
  type Action,
  type Resolved,
  type TransactionPlan,
} from "#records/fhir/transaction.ts";
import { atOnce } from "#core/turns.ts";

const publicOrigin = "https://localhost:8443";

/** Ids that tell their order: 00000001-…, 00000002-… */
function countedRandom(): Pick<Random, "uuid"> {
  let count = 0;
  return {
    uuid: () => {
      count += 1;
      return `${String(count).padStart(8, "0")}-0000-4000-8000-000000000000`;
    },
  };
}

const uuid = (n: number): string => `urn:uuid:${String(n).repeat(8)}-1111-4111-8111-111111111111`;
const assigned = (n: number): string => `0000000${n}-0000-4000-8000-000000000000`;

interface Sent {
  readonly fullUrl?: string;
  readonly resource?: object;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly ifMatch?: string;
    readonly ifNoneExist?: string;
  };
}

function planOf(text: string, resolved: Resolved = nothingResolved): Result<TransactionPlan> {
  const read = atOnce(readBundle(text, { publicOrigin, random: countedRandom() }));
  return read.ok
    ? atOnce(planTransaction(read.value, { publicOrigin, resolved, conformance: r4Alone }))
    : read;
}

function plan(
  entry: readonly Sent[],
  type = "transaction",
  resolved: Resolved = nothingResolved,
): TransactionPlan | Problem {
  const planned = planOf(JSON.stringify({ resourceType: "Bundle", type, entry }), resolved);
  return planned.ok ? planned.value : planned.problem;
}

function actionsOf(entry: readonly Sent[], type = "transaction"): readonly Action[] {
  const planned = plan(entry, type);
  assert.ok("actions" in planned, JSON.stringify(planned));
  return planned.actions.map(({ action }) => (action.ok ? action.value : assert.fail()));
}

function problemOf(entry: readonly Sent[]): Problem {
  const planned = plan(entry);
  assert.ok(!("actions" in planned), "it was planned");
  return planned;
}

const patient = { resourceType: "Patient" };
const observation = (reference: string): object => ({
  resourceType: "Observation",
  status: "final",
  code: { text: "x" },
  subject: { reference },
});
const post = (url: string): Sent["request"] => ({ method: "POST", url });
const put = (url: string, more = {}): Sent["request"] => ({ method: "PUT", url, ...more });

suite("a transaction", () => {
  test("gives new ids, and makes references between its entries literal", () => {
    const actions = actionsOf([
      { fullUrl: uuid(1), resource: observation(uuid(2)), request: post("Observation") },
      { fullUrl: uuid(2), resource: patient, request: post("Patient") },
    ]);
    const [first, second] = actions;
    assert.ok(first?.method === "POST" && second?.method === "POST");
    assert.deepEqual(
      [first.type, first.id, second.type, second.id],
      ["Observation", assigned(1), "Patient", assigned(2)],
    );
    assert.deepEqual(JSON.parse(first.parsed.text), observation(`Patient/${assigned(2)}`));
  });

  test("changes nothing in a resource but its references", () => {
    const resource =
      '{ "resourceType" : "Observation","status":"final", "code":{"text":"x"},\n"subject":{"reference":"@"}, "valueQuantity":{"value":1.500} }';
    const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[
      {"request":{"method":"POST","url":"Observation"},  "resource" : ${resource.replace("@", uuid(2))}  },
      {"fullUrl":"${uuid(2)}","resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient/p1"}}]}`;
    const fixed = bundle.replace(
      '{"resourceType":"Patient"}',
      '{"resourceType":"Patient","id":"p1"}',
    );
    const planned = planOf(fixed);
    assert.ok(planned.ok);
    const [first] = planned.value.actions;
    assert.ok(first?.action.ok && first.action.value.method === "POST");
    assert.equal(first.action.value.parsed.text, resource.replace("@", "Patient/p1"));
  });

  test("is done in the order DELETE, POST, PUT, GET, and tells which entry each was", () => {
    const planned = plan([
      { request: { method: "GET", url: "Patient/p1" } },
      { resource: { ...patient, id: "p2" }, request: put("Patient/p2") },
      { resource: patient, request: post("Patient") },
      { request: { method: "DELETE", url: "Observation/o1" } },
      { request: { method: "GET", url: "Observation?patient=p1&code=x" } },
      { request: { method: "DELETE", url: "Observation/o2", ifMatch: 'W/"4"' } },
    ]);
    assert.ok("actions" in planned);
    assert.deepEqual(
      planned.actions.map(({ entry }) => entry),
      [3, 5, 2, 1, 0, 4],
    );
    const last = planned.actions.at(-1)?.action;
    assert.ok(last?.ok && "query" in last.value);
    assert.equal(last.value.query.get("code"), "x");
    const deleted = planned.actions[1]?.action;
    assert.ok(deleted?.ok && deleted.value.method === "DELETE");
    assert.equal(deleted.value.ifVersion, 4);
  });

  test("reads references by the base that an entry's fullUrl shares with another's", () => {
    const elsewhere = "https://elsewhere.example/r4/";
    const [first] = actionsOf([
      {
        fullUrl: `${elsewhere}Observation/7`,
        resource: observation("Patient/8"),
        request: post("Observation"),
      },
      { fullUrl: `${elsewhere}Patient/8`, resource: patient, request: post("Patient") },
    ]);
    assert.ok(first?.method === "POST");
    assert.deepEqual(JSON.parse(first.parsed.text), observation(`Patient/${assigned(2)}`));
  });

  test("leaves references to what is stored here, and shortens its own address", () => {
    const texts = ["Patient/p1", `${publicOrigin}/fhir/Patient/p1`].map((reference) => {
      const [action] = actionsOf([
        { fullUrl: uuid(1), resource: observation(reference), request: post("Observation") },
      ]);
      return action?.method === "POST" ? (JSON.parse(action.parsed.text) as unknown) : null;
    });
    assert.deepEqual(texts, [observation("Patient/p1"), observation("Patient/p1")]);
  });

  test("takes If-Match of an update as the version that must be current", () => {
    const [action] = actionsOf([
      { resource: { ...patient, id: "p1" }, request: put("Patient/p1", { ifMatch: 'W/"12"' }) },
    ]);
    assert.ok(action?.method === "PUT");
    assert.equal(action.ifVersion, 12);
  });

  const faults: readonly [name: string, entry: readonly Sent[], code: string, at: string][] = [
    [
      "a reference to no entry",
      [{ resource: observation(uuid(9)), request: post("Observation") }],
      "reference-missing",
      "Bundle.entry[0].resource",
    ],
    [
      "a conditional reference that finds nothing",
      [{ resource: observation("Patient?identifier=1"), request: post("Observation") }],
      "reference-missing",
      "Bundle.entry[0].resource",
    ],
    [
      "one resource touched twice",
      [
        { resource: { ...patient, id: "p1" }, request: put("Patient/p1") },
        { request: { method: "DELETE", url: "Patient/p1" } },
      ],
      "resource-invalid",
      "Bundle.entry[1]",
    ],
    [
      "an id other than that of its address",
      [{ resource: { ...patient, id: "p2" }, request: put("Patient/p1") }],
      "resource-id-mismatch",
      "Bundle.entry[0].resource.id",
    ],
    [
      "a type other than that of its address",
      [{ resource: patient, request: post("Observation") }],
      "resource-type-mismatch",
      "Bundle.entry[0].resourceType",
    ],
    [
      "a reference that, made literal, may not stand there",
      [
        { resource: observation(uuid(2)), request: post("Observation") },
        {
          fullUrl: uuid(2),
          resource: { resourceType: "Practitioner" },
          request: post("Practitioner"),
        },
      ],
      "resource-invalid",
      "Bundle.entry[0].resource.subject.reference",
    ],
    [
      "a patch that is none",
      [
        {
          resource: { resourceType: "Binary", contentType: "text/plain" },
          request: { method: "PATCH", url: "Patient/p1" },
        },
      ],
      "patch-refused",
      "Bundle.entry[0].resource",
    ],
    [
      "an entry of the log",
      [{ resource: { resourceType: "AuditEvent" }, request: post("AuditEvent") }],
      "method-not-allowed",
      "Bundle.entry[0].request.method",
    ],
    [
      "a HEAD",
      [{ request: { method: "HEAD", url: "Patient/p1" } }],
      "method-not-allowed",
      "Bundle.entry[0].request.method",
    ],
    [
      "a create with an id in its address",
      [{ resource: patient, request: post("Patient/p1") }],
      "resource-invalid",
      "Bundle.entry[0].request.url",
    ],
    [
      "an update without an id in its address",
      [{ resource: patient, request: put("Patient") }],
      "resource-invalid",
      "Bundle.entry[0].request.url",
    ],
    [
      "an unknown type",
      [{ resource: patient, request: post("Wizard") }],
      "resource-type-unknown",
      "Bundle.entry[0].request.url",
    ],
    [
      "a create without a resource",
      [{ request: post("Patient") }],
      "resource-invalid",
      "Bundle.entry[0].resource",
    ],
    [
      "a version that is none of ours",
      [{ resource: { ...patient, id: "p1" }, request: put("Patient/p1", { ifMatch: "abc" }) }],
      "resource-invalid",
      "Bundle.entry[0].request.ifMatch",
    ],
    [
      "an operation",
      [{ request: { method: "GET", url: "Patient/p1/$everything" } }],
      "parameter-unknown",
      "Bundle.entry[0].request.url",
    ],
  ];
  for (const [name, entry, code, at] of faults)
    test(`is refused for ${name}, naming the entry`, () => {
      const found = problemOf(entry);
      assert.deepEqual([found.code, found.at], [code, at], JSON.stringify(found));
    });

  test("is refused when it is of another type, or too long", () => {
    assert.equal(planOf('{"resourceType":"Bundle","type":"collection"}').ok, false);
    assert.equal(planOf(JSON.stringify(patient)).ok, false);
    const entry = Array.from({ length: limits.bundleEntries + 1 }, () => ({
      request: { method: "GET", url: "Patient/p1" },
    }));
    assert.equal(problemOf(entry).at, "Bundle.entry");
  });
});

test("in a batch each entry stands or falls alone", () => {
  const planned = plan(
    [
      { resource: patient, request: post("Patient") },
      { resource: observation(uuid(9)), request: post("Observation") },
      { request: { method: "DELETE", url: "Wizard/1" } },
      { request: { method: "GET", url: "Patient/p1" } },
    ],
    "batch",
  );
  assert.ok("actions" in planned);
  assert.equal(planned.kind, "batch");
  const told = new Map(
    planned.actions.map(({ entry, action }) => [entry, action.ok || action.problem.code]),
  );
  assert.deepEqual(
    [0, 1, 2, 3].map((entry) => told.get(entry)),
    [true, "reference-missing", "resource-type-unknown", true],
  );
});
