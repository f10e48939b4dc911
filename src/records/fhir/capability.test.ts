import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { SearchParameter } from "@medplum/fhirtypes";
import { parseInstant } from "#core/clock.ts";
import { parseResourceType } from "#core/ids.ts";
import {
  capabilityStatement,
  interactions,
  interactionsOf,
  storableTypes,
  systemInteractions,
} from "#records/fhir/capability.ts";
import { r4Alone } from "#records/fhir/conformance.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { operations } from "#records/operations/operations.ts";
import { parsedOf } from "#records/fhir/testing.ts";
import { parseSearch } from "#records/fhir/search.ts";

const since = parseInstant(Date.parse("2024-05-09T08:00:00Z")) ?? assert.fail();
const facts = {
  publicOrigin: "https://localhost:8443",
  version: "0.1.0",
  since,
  operations,
};
const statement = capabilityStatement(facts);
const [rest] = statement.rest ?? [];

const trial = {
  token: "x",
  date: "2024",
  string: "x",
  reference: "x",
  uri: "x",
  number: "1",
  quantity: "1",
  special: "1|1",
} as const;

/** A value that the parameter takes. */
const trialOf = ({ kind, components }: SearchParameterRule): string =>
  kind === "composite" ? components.map(trialOf).join("$") : trial[kind];

suite("the CapabilityStatement", () => {
  test("is itself valid R4", () => {
    assert.equal(parsedOf(statement).type, "CapabilityStatement");
  });

  test("names every type that can be stored, and for each what can be done", () => {
    assert.deepEqual(
      rest?.resource?.map(({ type }) => type),
      storableTypes(),
    );
    for (const { type, interaction } of rest?.resource ?? [])
      assert.deepEqual(
        interaction?.map(({ code }) => code),
        interactionsOf(type ?? ""),
        type,
      );
  });

  test("names exactly the search parameters that a search takes", () => {
    let tried = 0;
    for (const { type: name = "", searchParam = [] } of rest?.resource ?? []) {
      const type = parseResourceType(name) ?? assert.fail();
      for (const { name: code } of searchParam) {
        const rule = searchParameters(type).get(code) ?? assert.fail(code);
        const plan = parseSearch(type, new URLSearchParams([[code, trialOf(rule)]]));
        assert.ok(plan.ok, `${name}?${code}`);
        tried += 1;
      }
    }
    assert.ok(tried > 1_600, `only ${tried} parameters were tried`);
  });

  test("names only inclusions that a search takes", () => {
    let tried = 0;
    for (const { type: name = "", searchInclude = [], searchRevInclude = [] } of rest?.resource ??
      []) {
      const type = parseResourceType(name) ?? assert.fail();
      const asked = [
        ...searchInclude.map((path) => ["_include", path] as const),
        ...searchRevInclude.map((path) => ["_revinclude", path] as const),
      ];
      for (const [kind, path] of asked) {
        assert.ok(parseSearch(type, new URLSearchParams([[kind, path]])).ok, `${name} ${path}`);
        tried += 1;
      }
    }
    assert.ok(tried > 1_500, `only ${tried} were tried`);
  });

  test("names every operation, where it may be called", () => {
    const told = (rest?.resource ?? []).flatMap(({ operation = [] }) => operation);
    const names = new Set([...told, ...(rest?.operation ?? [])].map(({ name }) => name));
    assert.deepEqual([...names].sort(), operations.map(({ name }) => name).sort());
    const ofPatient = rest?.resource?.find(({ type }) => type === "Patient")?.operation ?? [];
    assert.ok(ofPatient.some(({ name }) => name === "everything"));
  });

  test("names what an installed package adds", () => {
    const added: SearchParameter = {
      resourceType: "SearchParameter",
      url: "https://example.org/shoe-size",
      name: "ShoeSize",
      status: "active",
      description: "x",
      code: "shoe-size",
      base: ["Patient"],
      type: "number",
      expression: "Patient.extension.where(url='https://example.org/shoe').valueDecimal",
    };
    const conformance = { ...r4Alone, extraSearchParameters: () => [added] };
    const [more] = capabilityStatement({ ...facts, conformance }).rest ?? [];
    const ofPatient = more?.resource?.find(({ type }) => type === "Patient")?.searchParam ?? [];
    assert.ok(ofPatient.some(({ name }) => name === "shoe-size"));
  });

  test("tells apps where to sign in", () => {
    const text = JSON.stringify(rest?.security);
    for (const path of ["/oauth/authorize", "/oauth/token", "/oauth/revoke"])
      assert.ok(text.includes(`https://localhost:8443${path}`), path);
    assert.ok(text.includes("SMART-on-FHIR"));
  });
});

/** The `code` words of the table rows under a heading of docs/fhir.md, by their first cell. */
function tableUnder(heading: string): ReadonlyMap<string, readonly string[]> {
  const docs = readFileSync(join(import.meta.dirname, "../../../docs/fhir.md"), "utf8");
  const [, section = ""] = docs.split(`## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  const rows = own.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.map((row) => {
      const [, first = "", ...cells] = row.split("|");
      const words = cells.flatMap((cell) =>
        [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word),
      );
      return [first.replaceAll(/[` ]/g, ""), words];
    }),
  );
}

suite("docs/fhir.md", () => {
  test("names the interactions that the CapabilityStatement names", () => {
    const told = [...tableUnder("Interactions").keys()].sort();
    assert.deepEqual(told, [...interactions, ...systemInteractions].sort());
  });

  test("names the operations that the CapabilityStatement names", () => {
    const told = [...tableUnder("Operations").keys()].map((name) => name.replace("$", ""));
    assert.deepEqual(told.sort(), operations.map(({ name }) => name).sort());
  });

  test("names, of each type it lists, all of its search parameters", () => {
    const listed = tableUnder("Search parameters");
    assert.ok(listed.size >= 20);
    for (const [name, words] of listed) {
      const known = rest?.resource?.find(({ type }) => type === name)?.searchParam ?? [];
      const own = known.map(({ name: code }) => code).filter((code) => !code.startsWith("_"));
      assert.deepEqual([...words].sort(), own.sort(), name);
    }
  });

  test("names the parameters that every type has", () => {
    const listed = [...tableUnder("Parameters of every type").keys()].sort();
    const known = rest?.resource?.find(({ type }) => type === "Binary")?.searchParam ?? [];
    const codes = known.map(({ name: code }) => code).filter((code) => code.startsWith("_"));
    assert.deepEqual(listed, codes.sort());
  });
});
