import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { purposes, zones } from "#core/audit-entry.ts";
import { personRoles, type PolicyRequest } from "#core/policy-request.ts";
import type { Result } from "#core/result.ts";
import { attributeClassOf, nameOfClass } from "#policy/attribute-class.ts";
import { createAuthorizer } from "#policy/authorizer.ts";
import { readPolicyFiles } from "#policy/policy-files.ts";

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : result.problem.detail);
  return result.value;
}

const folder = join(import.meta.dirname, "../../policies");
const texts = value(await readPolicyFiles(folder));
const authorizer = value(createAuthorizer(texts));

const request: PolicyRequest = {
  tenant: "tenant",
  person: { account: "ana", roles: ["patient"], patients: ["patient-1"], actsFor: [] },
  session: { id: "session" },
  device: { id: "device", level: 1 },
  client: { id: "client" },
  zone: "internet",
  purpose: "PATRQT",
  action: "read",
  resource: {
    type: "Observation",
    patient: "patient-1",
    inCareTeam: false,
    openedInEmergency: false,
    ofVisit: false,
    labels: [],
    forbiddenByConsent: false,
  },
};

const withResource = (changed: Partial<PolicyRequest["resource"]>): PolicyRequest => ({
  ...request,
  resource: { ...request.resource, ...changed },
});

test("a permit names the policies that gave it, a forbid those that took it", () => {
  assert.deepEqual(authorizer.decide(request), {
    effect: "permit",
    policies: ["patient-own-record"],
    obligations: [],
    asked: "read PatientRecord Observation own - patient 1 internet PATRQT",
  });
  const keyless = { ...request, device: { id: "device", level: 0 } };
  assert.deepEqual(authorizer.decide({ ...keyless, action: "update" }), {
    effect: "deny",
    policies: ["device-without-key"],
    reason: "forbidden",
    asked: "update PatientRecord Observation own - patient 0 internet PATRQT",
  });
  assert.deepEqual(authorizer.decide(withResource({ patient: "patient-2" })), {
    effect: "deny",
    policies: [],
    reason: "no-permit",
    asked: "read PatientRecord Observation - - patient 1 internet PATRQT",
  });
});

test("every device level reaches a patient's own record, the lowest only what is not labelled", () => {
  for (const level of [0, 1, 2, 3, 4])
    assert.equal(authorizer.decide({ ...request, device: { id: "d", level } }).effect, "permit");
  const hiv = withResource({ labels: ["hiv"] });
  assert.deepEqual(authorizer.decide({ ...hiv, device: { id: "d", level: 0 } }).policies, [
    "sensitive-without-key",
  ]);
  assert.equal(authorizer.decide({ ...hiv, device: { id: "d", level: 1 } }).effect, "permit");
  assert.equal(authorizer.decide({ ...request, device: { id: "d", level: -1 } }).effect, "deny");
});

test("one label among several is enough to forbid", () => {
  const labels = ["hiv", "mental-health", "psychotherapy"];
  const decision = authorizer.decide(withResource({ labels }));
  assert.deepEqual(decision.policies, ["psychotherapy-notes"]);
});

const unusable: Record<string, unknown> = {
  "a device level that is missing": { ...request, device: { id: "device" } },
  "a device level that is no whole number": { ...request, device: { id: "device", level: 1.5 } },
  "a device level that is no number": { ...request, device: { id: "device", level: Number.NaN } },
  "an action that does not exist": { ...request, action: "print" },
  "a purpose that is missing": { ...request, purpose: undefined },
  "a type that is missing": {
    ...request,
    resource: { ...request.resource, type: undefined },
  },
  "a Consent's word that is missing": {
    ...request,
    resource: { ...request.resource, forbiddenByConsent: undefined },
  },
  "a care team that is missing": {
    ...request,
    resource: { ...request.resource, inCareTeam: undefined },
  },
};

for (const [what, asked] of Object.entries(unusable)) {
  test(`${what} denies, though a permit may not need it`, () => {
    const { asked: _, ...decision } = authorizer.decide(asked as PolicyRequest);
    assert.deepEqual(decision, {
      effect: "deny",
      policies: [],
      reason: "error",
    });
  });
}

const anyRequest: fc.Arbitrary<PolicyRequest> = fc.record({
  tenant: fc.constant("tenant"),
  person: fc.record({
    account: fc.string(),
    roles: fc.uniqueArray(fc.constantFrom(...personRoles), { maxLength: 3 }),
    patients: fc.uniqueArray(fc.constantFrom("a", "b", "c")),
    actsFor: fc.uniqueArray(fc.constantFrom("a", "b", "c")),
  }),
  session: fc.record({ id: fc.string() }),
  device: fc.record({ id: fc.string(), level: fc.nat({ max: 4 }) }),
  client: fc.record({ id: fc.string() }),
  zone: fc.constantFrom(...zones),
  purpose: fc.constantFrom(...purposes),
  action: fc.constantFrom("read", "search", "create", "access-log", "audit-read", "import"),
  resource: fc.record({
    type: fc.string(),
    patient: fc.option(fc.constantFrom("a", "b", "c")),
    inCareTeam: fc.boolean(),
    openedInEmergency: fc.boolean(),
    ofVisit: fc.boolean(),
    forbiddenByConsent: fc.boolean(),
    labels: fc.uniqueArray(fc.constantFrom("hiv", "psychotherapy", "x"), { maxLength: 2 }),
  }),
});

test("a decision from memory is the one that Cedar gives when asked anew", () => {
  fc.assert(
    fc.property(anyRequest, (asked) => {
      const first = authorizer.decide(asked);
      assert.deepEqual(authorizer.decide(structuredClone(asked)), first);
      // Another order of the same roles and labels is the same class.
      const turned = {
        ...asked,
        person: { ...asked.person, roles: asked.person.roles.toReversed() },
        resource: { ...asked.resource, labels: asked.resource.labels.toReversed() },
      };
      assert.equal(nameOfClass(attributeClassOf(turned)), nameOfClass(attributeClassOf(asked)));
    }),
  );
});

test("two requests of one class name are alike in all that Cedar is told", () => {
  fc.assert(
    fc.property(anyRequest, anyRequest, (a, b) => {
      const [one, other] = [attributeClassOf(a), attributeClassOf(b)];
      if (nameOfClass(one) === nameOfClass(other)) assert.deepEqual(one, other);
      else assert.notDeepEqual(one, other);
    }),
  );
});

test("who asks and about whom leaves no trace in the class, only how they stand to each other", () => {
  const name = nameOfClass(attributeClassOf(request));
  const other = {
    ...request,
    person: { ...request.person, account: "bob", patients: ["patient-9"] },
    resource: { ...request.resource, patient: "patient-9" },
  };
  assert.equal(nameOfClass(attributeClassOf(other)), name);
  assert.ok(!name.includes("patient-1") && !name.includes("ana"));
});

test("more classes than are remembered are still decided rightly", () => {
  for (let n = 0; n < 5_000; n += 1)
    assert.equal(authorizer.decide(withResource({ type: `Type${n}` })).effect, "permit");
  assert.equal(authorizer.decide(withResource({ type: "Type0" })).effect, "permit");
});

const permit = `@id("p") permit (principal, action == Action::"read", resource is PatientRecord)`;
const notTaken: Record<string, { policies?: string; schema?: string }> = {
  "an attribute that the schema has not": { policies: `${permit} when { resource.secret };` },
  "a comparison of two types": { policies: `${permit} when { context.deviceLevel == "1" };` },
  "an action that the schema has not": {
    policies: `@id("p") permit (principal, action == Action::"print", resource);`,
  },
  "a condition that can never hold": {
    policies: `@id("p") permit (principal, action == Action::"read", resource is PatientLog);`,
  },
  "no id": { policies: `permit (principal, action, resource);` },
  "an id with a blank": { policies: `@id("a b") permit (principal, action, resource);` },
  "an id that another has": { policies: `${permit}; ${permit};` },
  "a slot to be filled in": {
    policies: `@id("p") permit (principal == ?principal, action, resource);`,
  },
  "a missing bracket": { policies: `${permit} when { resource.ofCaller ;` },
  "no policy at all": { policies: "// nothing here" },
  "a broken schema": { schema: "entity Person = {" },
  "a schema of other things": { schema: "entity Photo;" },
};

for (const [what, changed] of Object.entries(notTaken)) {
  test(`policies with ${what} are not taken into force`, () => {
    const refused = createAuthorizer({ ...texts, ...changed });
    assert.ok(!refused.ok);
    assert.equal(refused.problem.code, "policy-unavailable");
    assert.ok((refused.problem.detail ?? "").length > 0);
  });
}

test("a folder without policies is refused, not taken for one that permits nothing", async () => {
  const missing = await readPolicyFiles(join(folder, "none"));
  assert.ok(!missing.ok);
  assert.equal(missing.problem.code, "policy-unavailable");
});

test("every policy says above its id in plain words what it lets", async () => {
  let policies = 0;
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".cedar")) continue;
    const lines = (await readFile(join(folder, name), "utf8")).split("\n");
    lines.forEach((line, i) => {
      if (!line.startsWith("@id(")) return;
      policies += 1;
      assert.match(lines[i - 1] ?? "", /^\/\/ .{20,}/, `${name}: ${line}`);
    });
  }
  assert.equal(policies, authorizer.policies.length);
});

const obliging = (annotations: string): typeof texts => ({
  ...texts,
  policies: `${texts.policies}
@id("binding") ${annotations}
forbid (principal, action == Action::"read", resource is PatientRecord)
when { resource.labels.contains("hiv") };`,
});

test("a forbid that obliges binds the permit, and names itself", () => {
  const bound = value(createAuthorizer(obliging(`@obligation("review")`)));
  const decision = bound.decide(withResource({ labels: ["hiv"] }));
  assert.equal(decision.effect, "permit");
  assert.deepEqual(decision.effect === "permit" && decision.obligations, [{ kind: "review" }]);
  assert.deepEqual(decision.policies, ["patient-own-record", "binding"]);
  const free = bound.decide(request);
  assert.deepEqual(free.effect === "permit" && free.obligations, []);
});

test("a device below the level that is needed is told so, one at it is let in", () => {
  const annotations = `@obligation("step-up") @needs("level:3 max-age:60")`;
  const bound = value(createAuthorizer(obliging(annotations)));
  const hiv = withResource({ labels: ["hiv"] });
  const needs = { level: 3, maxAgeSeconds: 60 };
  const low = bound.decide({ ...hiv, device: { id: "d", level: 2 } });
  assert.deepEqual(low.effect === "step-up" && low.needs, needs);
  const enough = bound.decide({ ...hiv, device: { id: "d", level: 3 } });
  assert.deepEqual(enough.effect === "permit" && enough.obligations, [{ kind: "step-up", needs }]);
  const others = bound.decide(withResource({ labels: ["hiv"], patient: "patient-2" }));
  assert.equal(others.effect, "deny");
});

for (const annotations of [
  `@obligation("reviewed")`,
  `@obligation("review") @needs("level:3")`,
  `@obligation("step-up")`,
  `@obligation("step-up") @needs("level:5")`,
  `@obligation("step-up") @needs("level:3 level:2")`,
  `@obligation("step-up") @needs("max-age:0")`,
  `@obligation("step-up") @needs("soon")`,
  `@needs("level:3")`,
]) {
  test(`policies with ${annotations} are refused`, () => {
    const refused = createAuthorizer(obliging(annotations));
    assert.equal(!refused.ok && refused.problem.code, "policy-unavailable");
  });
}

test("a permit that obliges is refused: misread, it would let in", () => {
  const policies = `@id("p") @obligation("review") permit (principal, action, resource);`;
  const refused = createAuthorizer({ ...texts, policies });
  assert.match((!refused.ok && refused.problem.detail) || "", /only a forbid/);
});
