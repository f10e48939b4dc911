import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  conformanceOf,
  r4Alone,
  type DefinitionKind,
  type InstalledDefinition,
} from "#records/fhir/conformance.ts";

function definition(
  kind: DefinitionKind,
  url: string,
  version: string | null,
): InstalledDefinition {
  const text = JSON.stringify({
    resourceType: kind,
    url,
    ...(version === null ? {} : { version }),
  });
  return { kind, url, version, text };
}

const url = "http://e.example/ValueSet/v";

suite("a canonical", () => {
  const installed = conformanceOf([
    definition("ValueSet", url, "1"),
    definition("ValueSet", url, "2"),
    definition("SearchParameter", "http://e.example/SearchParameter/p", null),
  ]);

  test("without version finds what was installed last", () => {
    assert.equal(installed.valueSet(url)?.version, "2");
  });

  test("with a version finds that one or nothing", () => {
    assert.equal(installed.valueSet(`${url}|1`)?.version, "1");
    assert.equal(installed.valueSet(`${url}|3`), null);
  });

  test("finds nothing of another kind", () => {
    assert.equal(installed.codeSystem(url), null);
    assert.equal(installed.structureDefinition(url), null);
  });

  test("finds nothing where no package is installed", () => {
    assert.equal(r4Alone.valueSet(url), null);
    assert.deepEqual(r4Alone.extraSearchParameters(), []);
  });

  test("is not needed for the search parameters that packages add", () => {
    const [only, ...others] = installed.extraSearchParameters();
    assert.equal(only?.url, "http://e.example/SearchParameter/p");
    assert.deepEqual(others, []);
  });
});
