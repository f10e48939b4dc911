import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Parser } from "tar";
import { conformanceOf, type Conformance } from "#records/fhir/conformance.ts";
import { parseInstant } from "#core/clock.ts";
import { parseResourceId } from "#core/ids.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { parseResource, withMeta } from "#records/fhir/parse.ts";
import { sharedData, syntheticTexts } from "#records/fhir/testing.ts";
import { readPackage } from "#records/packages/read-package.ts";

const { folder } = sharedData(process.env);
const archive = join(folder, "../us-core-6.1.0.tgz");
const skip = existsSync(archive) ? false : "skipped: no shared data";

function examplesOf(bytes: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const parser = new Parser({
    onReadEntry: (entry) => {
      const chunks: Buffer[] = [];
      entry.on("data", (chunk: Buffer) => chunks.push(chunk));
      entry.on("end", () => {
        const isExample = /^package\/example\/.+\.json$/.test(entry.path);
        if (isExample) found.set(entry.path, Buffer.concat(chunks).toString("utf8"));
      });
    },
  });
  parser.end(gunzipSync(bytes));
  return found;
}

async function usCore(): Promise<Conformance> {
  const read = await readPackage(readFileSync(archive));
  assert.ok(read.ok);
  return conformanceOf(read.value.definitions);
}

suite("with US Core 6.1.0", { skip }, () => {
  test("every example of the package is accepted", async () => {
    const conformance = await usCore();
    const refused: string[] = [];
    const examples = examplesOf(readFileSync(archive));
    for (const [name, text] of examples) {
      const parsed = parseResource(text, { conformance });
      if (!parsed.ok) refused.push(`${name} ${JSON.stringify(parsed.problem)}`);
    }
    assert.ok(examples.size > 150, `${examples.size}`);
    assert.deepEqual(refused, []);
  });

  test("every example of the package is stored without another character of its values changed", () => {
    const id = parseResourceId("x") ?? assert.fail();
    const lastUpdated = parseInstant(1_715_000_000_000) ?? assert.fail();
    const bare = (text: string): unknown => {
      const value: unknown = JSON.parse(text);
      if (!isObject(value)) return value;
      const { id: _id, meta, ...rest } = value;
      const { versionId: _version, lastUpdated: _updated, ...kept } = isObject(meta) ? meta : {};
      return { ...rest, kept };
    };
    // Numbers keep their digits, 1.50 its zero; those within strings are compared with the strings.
    const numbers = (text: string): readonly string[] =>
      text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").match(/-?[0-9][0-9.eE+-]*/g) ?? [];
    for (const [name, text] of examplesOf(readFileSync(archive))) {
      const parsed = parseResource(text, {});
      assert.ok(parsed.ok, name);
      const stamped = withMeta(parsed.value, { id, versionId: 1, lastUpdated });
      assert.deepEqual(bare(stamped), bare(text), name);
      assert.deepEqual(numbers(stamped), numbers(text), name);
    }
  });

  test("every synthetic patient is accepted, and all that is hers", async () => {
    const conformance = await usCore();
    let count = 0;
    const refused: string[] = [];
    for (const text of syntheticTexts(folder)) {
      const parsed = parseResource(text, { conformance });
      if (!parsed.ok) refused.push(JSON.stringify(parsed.problem));
      count += 1;
    }
    assert.deepEqual(refused.slice(0, 20), []);
    assert.ok(count > 29_000);
  });
});
