import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { itemsOfArray } from "#records/fhir/json-text.ts";
import {
  outgoingReferences,
  parseReference,
  rewriteLinks,
  rewriteReferences,
} from "#records/fhir/references.ts";

suite("a literal reference", () => {
  test("is Type/id, of whatever version", () => {
    for (const text of ["Patient/p1", "Patient/p1/_history/7"])
      assert.deepEqual(parseReference(text), { type: "Patient", id: "p1" });
  });

  test("is nothing else", () => {
    const others = [
      "",
      "#p1",
      "p1",
      "Patient/",
      "patient/p1",
      "Patient/p_1",
      "Patient/p1/",
      "Patient/p1/x",
      "Patient?identifier=1",
      "urn:uuid:11111111-1111-4111-8111-111111111111",
      "https://e.example/fhir/Patient/p1",
      " Patient/p1",
      "Patient/p1\n",
    ];
    for (const text of others) assert.equal(parseReference(text), null, text);
  });

  test("is found at any depth, each once", () => {
    const value = {
      resourceType: "Observation",
      subject: { reference: "Patient/p1" },
      contained: [{ subject: { reference: "Patient/p1" }, performer: [{ reference: "#x" }] }],
      extension: [{ valueReference: { reference: "Group/g1/_history/2" } }],
      note: [{ text: "Patient/p9", reference: 5 }],
    };
    assert.deepEqual(outgoingReferences(value), [
      { type: "Patient", id: "p1" },
      { type: "Group", id: "g1" },
    ]);
  });
});

suite("rewriting", () => {
  const json = fc.json({ maxDepth: 4 }).filter((text) => /^[{[]/.test(text));

  test("nothing leaves the text as it was", () => {
    fc.assert(fc.property(json, (text) => rewriteReferences(text, () => null) === text));
  });

  test("a reference changes it and nothing else, wherever it stands and however it is spaced", () => {
    const changes = { "Patient/old": "Patient/new", 'a"\\b': "Group/g" };
    const sent = String.raw`{ "n" : 1.50, "subject":{"reference" :  "Patient/old","display":"Patient/old"},
      "performer":[{"reference":"a\"\\b"},{"\u0072eference":"Patient/old"}],"reference":["Patient/old"] }`;
    const expected = String.raw`{ "n" : 1.50, "subject":{"reference" :  "Patient/new","display":"Patient/old"},
      "performer":[{"reference":"Group/g"},{"\u0072eference":"Patient/new"}],"reference":["Patient/new"] }`;
    const known = new Map(Object.entries(changes));
    assert.equal(
      rewriteReferences(sent, (text) => known.get(text) ?? null),
      expected,
    );
  });

  test("is what a rewriting of the parsed value gives", () => {
    const reference = fc.constantFrom("Patient/old", "Group/g", "#x", 'q"\\');
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 1, "x", "reference"),
        fc.record({ reference, other: tie("node") }, { requiredKeys: [] }),
        fc.array(tie("node"), { maxLength: 3 }),
      ),
    })).node;
    const change = (text: string): string | null => (text === "Patient/old" ? "P/ü\n" : null);
    const inValue = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
        key === "reference" && typeof inner === "string" ? (change(inner) ?? inner) : inner,
      );
    fc.assert(
      fc.property(tree, (value) => {
        const text = rewriteReferences(JSON.stringify(value), change);
        assert.deepEqual(JSON.parse(text), inValue(value));
      }),
    );
  });

  test("links reaches addresses of attachments, and never values of identifiers", () => {
    const sent = '{"url":"urn:a","valueUri":"urn:a","value":"urn:a","reference":"urn:a"}';
    assert.equal(
      rewriteLinks(sent, () => "X/1"),
      '{"url":"X/1","valueUri":"X/1","value":"urn:a","reference":"X/1"}',
    );
  });
});

test("the items of an array are cut out as they stand", () => {
  fc.assert(
    fc.property(
      fc.array(fc.json({ maxDepth: 3 })),
      fc.constantFrom("", " ", "\n"),
      (items, space) => {
        const array = `[${space}${items.join(`${space},${space}`)}${space}]`;
        assert.deepEqual(
          itemsOfArray(array),
          items.map((item) => item.trim()),
        );
      },
    ),
  );
});
