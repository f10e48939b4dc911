import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { policySetTextToParts } from "@cedar-policy/cedar-wasm/nodejs";
import labels from "#policies/sensitivities.json" with { type: "json" };
import { createAuthorizer } from "#policy/authorizer.ts";
import { decisionTables } from "#policy/decision-tables.ts";
import { readPolicyFiles } from "#policy/policy-files.ts";

const root = join(import.meta.dirname, "../..");

/** The cells of each line, whatever the width to which they were padded. */
const cells = (table: string): readonly string[] =>
  table
    .trim()
    .split("\n")
    .filter((line) => !/^[|\s-]*$/.test(line))
    .map((line) => line.replaceAll(/\s+/g, " ").trim());

const texts = await readPolicyFiles(join(root, "policies"));
assert.ok(texts.ok);
const authorizer = createAuthorizer(texts.value);
assert.ok(authorizer.ok);

/** FHIR types stand in the policies as strings with a capital and a small letter. */
const typesIn = (text: string): readonly string[] =>
  text.match(/(?<=")[A-Z]+[a-z][A-Za-z]*(?=")/g) ?? [];
const parts = policySetTextToParts(texts.value.policies);
assert.ok(parts.type === "success");
const namedBy = (type: string): string =>
  parts.policies.flatMap((text, at) => (typesIn(text).includes(type) ? [at] : [])).join();
const named = [...new Set(typesIn(texts.value.policies))].sort();
const types = [...Map.groupBy(named, namedBy).values()];
const tables = decisionTables({
  authorizer: authorizer.value,
  types,
  labels: [...labels.map(({ label }) => label), "restricted"],
});

suite("the tables of decisions", () => {
  test("in docs/policy.md are what the policies decide", () => {
    const doc = readFileSync(join(root, "docs/policy.md"), "utf8");
    const written = /<!-- decisions -->\n([\s\S]*)<!-- end of decisions -->/.exec(doc)?.[1] ?? "";
    assert.deepEqual(cells(written), cells(tables), `put this there:\n${tables}`);
  });

  test("tell of every role that is permitted anything", () => {
    for (const role of ["patient", "proxy", "clinician", "privacy-officer", "kiosk", "service"])
      assert.match(tables, new RegExp(`^\\| ${role} \\|`, "m"));
    assert.doesNotMatch(tables, /^\| administrator \|/m);
  });
});
