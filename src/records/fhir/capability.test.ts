import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseInstant } from "#core/clock.ts";
import { parseResourceType } from "#core/ids.ts";
import {
  capabilityStatement,
  interactions,
  interactionsOf,
  storableTypes,
  systemInteractions,
} from "#records/fhir/capability.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { parsedOf } from "#records/fhir/testing.ts";
import { parseSearch } from "#records/fhir/search.ts";

const since = parseInstant(Date.parse("2024-05-09T08:00:00Z")) ?? assert.fail();
const statement = capabilityStatement({
  publicOrigin: "https://localhost:8443",
  version: "0.1.0",
  since,
});
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
