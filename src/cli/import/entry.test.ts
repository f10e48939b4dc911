import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readBundleEntry, readResource, salvaged } from "#cli/import/entry.ts";
import { membersOf, stringMember } from "#cli/import/spans.ts";
import { createLineCutter } from "#cli/import/lines.ts";
import { scanJson } from "#core/json.ts";
import type { Result } from "#core/result.ts";

function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : result.problem.code);
  return result.value;
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.problem.code;
}

const uuid = "0d283da1-bf86-41c3-a331-00f1c1f59e7b";

test("members stand where the scanner says they stand", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(0, 1, 4),
      (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const scanned = valueOf(scanJson(text, 1_000));
        const names = [...scanned.topLevel.keys()];
        const found = membersOf(text, text.indexOf("{"), names);
        assert.equal(found.size, names.length);
        for (const [name, { start, end }] of scanned.topLevel)
          assert.deepEqual(found.get(name), { start, end });
      },
    ),
  );
});

test("a member that is no string is read as none", () => {
  const text = '{"a":1,"b":"x\\u0041","c":null}';
  const found = membersOf(text, 0, ["a", "b", "c", "d"]);
  assert.equal(stringMember(text, found.get("a")), null);
  assert.equal(stringMember(text, found.get("b")), "xA");
  assert.equal(stringMember(text, found.get("d")), null);
});

test("a resource keeps every character, its decimals' trailing zeros too", () => {
  const resource =
    '{"resourceType":"Observation","id":"a","valueQuantity":{"value":7.10, "code" : "%"}}';
  const entry = valueOf(
    readBundleEntry(
      `{"fullUrl":"urn:uuid:${uuid}", "resource" : ${resource} ,"request":{"method":"PUT","url":"Observation/a"}}`,
    ),
  );
  assert.equal(entry.text, resource);
  assert.equal(entry.type, "Observation");
  assert.equal(entry.id, "a");
  assert.equal(entry.fullUrl, `urn:uuid:${uuid}`);
});

test("a resource without an id takes the uuid of its fullUrl", () => {
  const entry = valueOf(
    readBundleEntry(
      `{"fullUrl":"urn:uuid:${uuid.toUpperCase()}","resource":{"resourceType":"Basic"}}`,
    ),
  );
  assert.equal(entry.id, uuid);
  assert.deepEqual(JSON.parse(entry.text), { resourceType: "Basic", id: uuid });
});

test("a resource without id and fullUrl takes an id from its text, the same each time", () => {
  const text = '{"resourceType":"Basic","code":{"text":"x"}}';
  const first = valueOf(readResource(text));
  assert.match(first.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(valueOf(readResource(text)).id, first.id);
  assert.notEqual(valueOf(readResource(text.replace("x", "y"))).id, first.id);
});

test("a resource written over many lines travels on one", () => {
  const pretty = JSON.stringify(
    { resourceType: "Basic", id: "b", code: { text: "two\nlines" } },
    null,
    2,
  );
  const entry = valueOf(readResource(pretty.replaceAll("\n", "\r\n")));
  assert.ok(!/[\r\n]/.test(entry.text));
  assert.deepEqual(JSON.parse(entry.text), JSON.parse(pretty));
});

test("what is not a resource to keep is refused with its reason", () => {
  assert.equal(codeOf(readResource('{"resourceType":"Patient"')), "json-broken");
  assert.equal(
    codeOf(readResource('{"resourceType":"Patient","id":"a","id":"b"}')),
    "json-duplicate-key",
  );
  assert.equal(codeOf(readResource('{"resourceType":5}')), "resource-invalid");
  assert.equal(codeOf(readResource("[]")), "resource-invalid");
  assert.equal(codeOf(readResource("null")), "resource-invalid");
  assert.equal(codeOf(readResource('{"resourceType":"Patient","id":7}')), "resource-invalid");
  assert.equal(codeOf(readResource(`${"[".repeat(500)}${"]".repeat(500)}`)), "json-too-deep");
  assert.equal(
    codeOf(readResource(`{"resourceType":"Basic","id":"a","x":"${"é".repeat(5_000_000)}"}`)),
    "body-too-large",
  );
  assert.equal(codeOf(readBundleEntry('{"fullUrl":"x"}')), "resource-invalid");
  assert.equal(codeOf(readBundleEntry('{"resource":[]}')), "resource-invalid");
  assert.equal(
    codeOf(readBundleEntry('{"request":{"method":"DELETE","url":"Patient/a"}}')),
    "method-not-allowed",
  );
  assert.equal(
    codeOf(readBundleEntry('{"request":"POST","resource":{"resourceType":"Basic","id":"a"}}')),
    "ok",
  );
});

test("of a broken entry its fullUrl and type are made out, if they can be", () => {
  const broken = `{"fullUrl":"urn:uuid:${uuid}","resource":{"resourceType":"Encounter","id":"${uuid}","status":}}`;
  assert.deepEqual(salvaged(broken), {
    type: "Encounter",
    id: uuid,
    fullUrl: `urn:uuid:${uuid}`,
    text: "",
  });
  assert.equal(salvaged('{"resource":{"resourceType":"Encounter",}'), null);
});

test("lines are the same however the text is cut on its way", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "é", "\n", "b")), fc.nat(20), (characters, size) => {
      const text = characters.join("");
      const cutter = createLineCutter(5);
      const lines = [];
      for (let at = 0; at < text.length; at += size + 1)
        lines.push(...cutter.push(text.slice(at, at + size + 1)));
      lines.push(...cutter.end());
      const rival = text.split("\n");
      if (rival.at(-1) === "") rival.pop();
      assert.deepEqual(
        lines,
        rival.map((line, at) => ({ number: at + 1, text: line.length > 5 ? null : line })),
      );
    }),
  );
});
