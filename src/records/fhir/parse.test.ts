import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseInstant } from "#core/clock.ts";
import { parseResourceId, parseResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { parseResource, withMeta } from "#records/fhir/parse.ts";
import { parsedOf, vectors } from "#records/fhir/testing.ts";

const id = parseResourceId("n1") ?? assert.fail();
const lastUpdated = parseInstant(1_715_000_000_000) ?? assert.fail();
const stamped = { id, versionId: 3, lastUpdated };
const meta = '"versionId":"3","lastUpdated":"2024-05-06T12:53:20.000Z"';

suite("a resource is refused for", () => {
  for (const { name, code, at, text, resource } of vectors("invalid"))
    test(name, () => {
      const parsed = parseResource(text ?? JSON.stringify(resource), {});
      assert.ok(!parsed.ok, "it was accepted");
      assert.equal(parsed.problem.code, code, JSON.stringify(parsed.problem));
      if (at === undefined) return;
      const places = [parsed.problem.at, ...(parsed.problem.also ?? []).map((each) => each.at)];
      assert.ok(places.includes(at), JSON.stringify(parsed.problem));
    });
});

suite("a resource is accepted that is", () => {
  for (const { name, resource } of vectors("valid"))
    test(name, () => {
      const parsed = parseResource(JSON.stringify(resource), {});
      assert.ok(parsed.ok, JSON.stringify(parsed.ok ? "" : parsed.problem));
    });
});

suite("a parsed resource", () => {
  test("keeps the sent text and tells type and id", () => {
    const text = ' {"id" : "a.1", "resourceType":"Patient" }\n';
    const { type, id, value, text: kept } = parsedOf(text);
    assert.deepEqual([type, id, value.id, kept], ["Patient", "a.1", "a.1", text]);
  });

  test("is refused when it is not of the type that the address names", () => {
    const expected = parseResourceType("Observation") ?? assert.fail();
    const parsed = parseResource('{"resourceType":"Patient"}', { type: expected });
    assert.equal(parsed.ok || parsed.problem.code, "resource-type-mismatch");
  });

  test("is refused when its id is another than the address names, or none", () => {
    for (const text of ['{"resourceType":"Patient","id":"n2"}', '{"resourceType":"Patient"}'])
      assert.equal(codeOf(text, { id }), "resource-id-mismatch");
    assert.equal(codeOf('{"resourceType":"Patient","id":"n1"}', { id }), null);
  });

  test("is refused ten thousand levels deep, and well within the limit accepted", () => {
    const nested = (depth: number): string =>
      `{"resourceType":"Patient","extension":${'[{"url":"x","extension":'.repeat(depth)}[{"url":"x","valueCode":"y"}]${"}]".repeat(depth)}}`;
    assert.equal(codeOf(nested(10_000)), "json-too-deep");
    assert.equal(codeOf(nested(limits.jsonDepth / 2 - 4)), null);
  });

  test("never has its values in the problem", () => {
    const secret = "Zaphod";
    const faults = [
      `{"resourceType":"Patient","birthDate":"${secret}"}`,
      `{"resourceType":"Patient","gender":"${secret}"}`,
      `{"resourceType":"Patient","name":"${secret}"}`,
      `{"resourceType":"${secret}"}`,
      `{"resourceType":"Patient","${secret} has a rash":1}`,
      `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"${secret}/1"}}`,
      `{"resourceType":"Patient","id":"${secret}","id":"${secret}"}`,
      `{"resourceType":"Patient","contained":[{"resourceType":"${secret}"}]}`,
    ];
    for (const text of faults) {
      const parsed = parseResource(text, {});
      assert.ok(!parsed.ok, text);
      assert.ok(!JSON.stringify(parsed.problem).includes(secret), JSON.stringify(parsed.problem));
    }
  });

  test("names every faulty element, up to fifty of them", () => {
    const name = Array.from({ length: 80 }, () => ({ family: 1 }));
    const parsed = parseResource(JSON.stringify({ resourceType: "Patient", name }), {});
    assert.ok(!parsed.ok);
    assert.equal(parsed.problem.also?.length, 49);
    assert.equal(parsed.problem.also.at(-1)?.at, "Patient.name[49].family");
  });
});

function codeOf(text: string, expected = {}): string | null {
  const parsed = parseResource(text, expected);
  return parsed.ok ? null : parsed.problem.code;
}

suite("id and meta are set", () => {
  test("in front where there were none", () => {
    const text = withMeta(parsedOf('{ "resourceType":"Patient" }'), stamped);
    assert.equal(text, `{"id":"n1","meta":{${meta}}, "resourceType":"Patient" }`);
  });

  test("in place of those that were sent, what else meta says being kept", () => {
    const sent =
      '{"meta": {"profile" : ["http://e.example/p"],"versionId":"77" }, "resourceType":"Patient","id":"old"}';
    assert.equal(
      withMeta(parsedOf(sent), stamped),
      '{"meta": {"lastUpdated":"2024-05-06T12:53:20.000Z","profile" : ["http://e.example/p"],"versionId":"3" }, "resourceType":"Patient","id":"n1"}',
    );
  });

  test("while decimals keep their digits", () => {
    const decimals = ["1.50", "0.10e-3", "123456789012345678901234567890.10", "-0.0", "1E2"];
    for (const decimal of decimals) {
      const sent = `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${decimal}}}`;
      assert.ok(withMeta(parsedOf(sent), stamped).endsWith(sent.slice(1)));
    }
  });

  test("and every other character stays, whatever the text's spacing", () => {
    fc.assert(
      fc.property(spacedPatient(), (sent) => {
        const parsed = parsedOf(sent);
        const text = withMeta(parsed, stamped);
        assert.deepEqual(Object.entries(objectOf(text)), expectedEntries(objectOf(sent)));
        // Stamping is a fixed point: what was set is found again and set to the same.
        assert.equal(withMeta(parsedOf(text), stamped), text);
      }),
    );
  });
});

const objectOf = (text: string): JsonObject => JSON.parse(text) as JsonObject;

function expectedEntries(sent: JsonObject): [string, unknown][] {
  const own = { versionId: "3", lastUpdated: "2024-05-06T12:53:20.000Z" };
  const front: [string, unknown][] = [];
  if (!("id" in sent)) front.push(["id", "n1"]);
  if (!("meta" in sent)) front.push(["meta", own]);
  const rest = Object.entries(sent).map(([key, value]): [string, unknown] => {
    if (key === "id") return [key, "n1"];
    return [key, key === "meta" ? { ...(isObject(sent.meta) ? sent.meta : {}), ...own } : value];
  });
  return [...front, ...rest];
}

/** A Patient with its keys in any order, and white space wherever JSON lets it stand. */
function spacedPatient(): fc.Arbitrary<string> {
  const space = fc.stringMatching(/^[ \n\t\r]{0,3}$/);
  const family = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => /\S/.test(text));
  const member = {
    id: fc.constant('"old"'),
    meta: fc.constantFrom('{"tag":[{"code":"x"}]}', '{ "versionId":"9" }'),
    name: family.map((text) => JSON.stringify([{ family: text }])),
    active: fc.constantFrom("true", "false"),
    multipleBirthInteger: fc.integer().map((whole) => String(whole | 0)),
  };
  return fc
    .tuple(fc.record(member, { requiredKeys: [] }), space, space, fc.boolean())
    .map(([members, before, after, last]) => {
      const typed = `"resourceType"${before}:${after}"Patient"`;
      const rest = Object.entries(members).map(
        ([key, json]) => `"${key}"${after}:${before}${json}`,
      );
      const all = last ? [...rest, typed] : [typed, ...rest];
      return `${before}{${after}${all.join(`${before},${after}`)}${before}}${after}`;
    });
}
