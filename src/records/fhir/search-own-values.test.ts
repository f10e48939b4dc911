import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { evalFhirPath } from "@medplum/core";
import type { Resource } from "@medplum/fhirtypes";
import { parseResourceType } from "#core/ids.ts";
import { unreachable } from "#core/result.ts";
import { searchParameterDefinitions } from "#records/fhir/definitions.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { amountsOf, captionsOf, tokensOf } from "#records/fhir/search-values.ts";
import { parseSearch, searchLabels } from "#records/fhir/search.ts";
import { parsedOf, sharedData, syntheticTexts, vectors } from "#records/fhir/testing.ts";

/** Whatever a resource says, a search for just that finds it, and looks it up. */

const escaped = (text: string): string => text.replaceAll(/[\\,|$]/g, "\\$&");

type Asking = readonly [modifier: string, value: string, isFound: boolean];

function tokenAskings(value: unknown): readonly Asking[] {
  const [token] = tokensOf(value);
  const [caption] = captionsOf(value);
  const byText: readonly Asking[] =
    caption === undefined || caption.trim() === "" ? [] : [[":text", escaped(caption), true]];
  if (token === undefined) return byText;
  const code = escaped(token.code);
  const whole = `${token.system === null ? "" : escaped(token.system)}|${code}`;
  return [["", code, true], ["", whole, true], [":not", whole, false], ...byText];
}

function textAskings(value: unknown): readonly Asking[] {
  if (typeof value !== "string" || !/[\p{L}\p{N}]/u.test(value) || value.length > 400) return [];
  const [start, end] = [escaped(value.slice(0, 4)), escaped(value.slice(-4))];
  return [
    ["", start, true],
    [":exact", escaped(value), true],
    [":contains", /^\p{M}/u.test(end) || end.trim() === "" ? start : end, true],
  ];
}

function dateAskings(value: unknown): readonly Asking[] {
  if (isObject(value))
    return typeof value.start === "string" ? [["", `ge${value.start}`, true]] : [];
  if (typeof value !== "string") return [];
  return [
    ["", value, true],
    ["", `ne${value}`, false],
    ["", `ge${value}`, true],
    ["", `le${value.slice(0, 10)}`, true],
    ["", `gt${value}`, false],
    ["", value.slice(0, 7), true],
    ["", `sa${value.slice(0, 4)}`, false],
    ["", `ap${value}`, true],
  ];
}

function referenceAskings(value: unknown): readonly Asking[] {
  const text = isObject(value) ? value.reference : value;
  // What is contained has no address that a search could name.
  return typeof text === "string" && !text.startsWith("#") ? [["", escaped(text), true]] : [];
}

function amountAskings(value: unknown): readonly Asking[] {
  const [amount] = amountsOf(value);
  if (amount === undefined || amount.range.from !== amount.range.to) return [];
  const { range, code } = amount;
  const unit = code === null ? "" : `||${escaped(code)}`;
  return [
    ["", `${range.from}${unit}`, true],
    ["", `ge${range.from}${unit}`, true],
    ["", `gt${range.from}${unit}`, false],
    ["", `ap${range.from}${unit}`, true],
  ];
}

function compositeAskings(value: unknown, rule: SearchParameterRule): readonly Asking[] {
  const parts = listOf(value).map((values, i) => {
    const component = rule.components[i] ?? assert.fail();
    const [first] = listOf(values);
    return askingsOf(first, component).find(([modifier, , found]) => modifier === "" && found)?.[1];
  });
  return parts.length === 0 || parts.includes(undefined) ? [] : [["", parts.join("$"), true]];
}

function askingsOf(value: unknown, rule: SearchParameterRule): readonly Asking[] {
  // Ways to reach a person are compared by rules of their own.
  if (["phone", "email", "telecom", "phonetic"].includes(rule.code)) return [];
  switch (rule.kind) {
    case "token":
      return tokenAskings(value);
    case "string":
      return textAskings(value);
    case "date":
      return dateAskings(value);
    case "reference":
    case "uri":
      return referenceAskings(value);
    case "number":
    case "quantity":
      return amountAskings(value);
    case "composite":
      return compositeAskings(value, rule);
    case "special":
      return [];
    default:
      return unreachable(rule.kind);
  }
}

type Asked = Map<SearchParameterRule["kind"], number>;

function askOf(value: Resource, asked: Asked): void {
  assert.ok(isObject(value));
  const type = parseResourceType(value.resourceType) ?? assert.fail();
  const labels = new Set(searchLabels(value));
  for (const rule of searchParameters(type).values()) {
    const values = rule.read(value);
    const [only, more] = values;
    // Of several values another may answer what the first does not.
    const own = askingsOf(only, rule).filter(([, , found]) => found || more === undefined);
    const missing: Asking = [":missing", String(values.length > 0), false];
    for (const [modifier, text, isFound] of [...own, missing]) {
      const plan = parseSearch(type, new URLSearchParams([[rule.code + modifier, text]]));
      assert.ok(plan.ok, `${type}?${rule.code}${modifier}=${text}`);
      const found = plan.value.matches(value);
      assert.equal(found, isFound, `${type}?${rule.code}${modifier}=${text}`);
      const isLookedUp = plan.value.labels.every((group) => group.some((each) => labels.has(each)));
      assert.ok(!found || isLookedUp, `${type}?${rule.code}${modifier}=${text} is not looked up`);
    }
    if (own.length > 0) asked.set(rule.kind, (asked.get(rule.kind) ?? 0) + own.length);
  }
}

suite("what a resource says finds it", () => {
  test("over all vectors", () => {
    const asked: Asked = new Map();
    for (const { resource } of ["valid", "compartments", "searches"].flatMap(vectors))
      if (resource !== undefined && resource.resourceType !== "Bundle")
        askOf(parsedOf(resource).value, asked);
    const all = [...asked.values()].reduce((sum, each) => sum + each, 0);
    assert.ok(all > 200, `only ${all} searches were made`);
  });

  const { folder, skip } = sharedData(process.env);
  test("over synthetic patients, by every kind of parameter they use", { skip }, () => {
    const asked: Asked = new Map();
    let at = 0;
    for (const text of syntheticTexts(folder)) {
      at += 1;
      if (at % 40 === 0) askOf(parsedOf(text).value, asked);
    }
    for (const kind of ["token", "string", "date", "reference", "quantity", "composite"] as const)
      assert.ok((asked.get(kind) ?? 0) > 100, `${kind}: ${asked.get(kind) ?? 0}`);
  });
});

/** The parts of R4's composites as its own FHIRPath reads them, one element after the other. */
function rivalTuples(code: string, resource: Resource): readonly (readonly unknown[])[] {
  const definition = searchParameterDefinitions().find(
    ({ code: own, base }) => own === code && base.includes("Observation"),
  );
  const { expression = "", component = [] } = definition ?? assert.fail();
  return evalFhirPath(expression, resource)
    .map((element) =>
      component.map((part) => evalFhirPath(part.expression, element as Resource).flat()),
    )
    .filter((tuple) => tuple.every((values) => values.length > 0));
}

test("composites read what the library's FHIRPath reads", () => {
  const quantity = { value: 1, unit: "x" };
  const observation = parsedOf({
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ code: "a" }] },
    valueQuantity: quantity,
    component: [
      { code: { coding: [{ code: "b" }] }, valueQuantity: { ...quantity, value: 2 } },
      { code: { coding: [{ code: "c" }] } },
      { code: { coding: [{ code: "d" }] }, valueCodeableConcept: { text: "e" } },
    ],
  }).value;
  assert.ok(isObject(observation));
  let read = 0;
  for (const { code, kind, read: tuples } of searchParameters("Observation").values()) {
    if (kind !== "composite" || code === "code-value-date") continue;
    const found = tuples(observation);
    assert.deepEqual(found, rivalTuples(code, observation as Resource), code);
    read += found.length;
  }
  assert.ok(read >= 6, String(read));
});
