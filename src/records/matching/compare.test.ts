import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { compare, fields, isOneSlip } from "#records/matching/compare.ts";
import { personOf } from "#records/matching/person.ts";

const person = (about: object): ReturnType<typeof personOf> =>
  personOf({ resourceType: "Patient", ...about });
const named = (family: string, given: string): object => ({ name: [{ family, given: [given] }] });

const word = fc.string({
  unit: fc.constantFrom("a", "b", "c", "d", "e", "é", " "),
  minLength: 1,
  maxLength: 6,
});
const patients = fc
  .record(
    {
      name: fc.array(fc.record({ family: word, given: fc.array(word, { maxLength: 2 }) }), {
        maxLength: 2,
      }),
      birthDate: fc.constantFrom("1980", "1980-05", "1980-05-03", "1980-03-05", "1981-05-03"),
      gender: fc.constantFrom("female", "male"),
      telecom: fc.array(
        fc.record({ value: fc.constantFrom("555-0143", "555-0144", "a@b.example") }),
        {
          maxLength: 2,
        },
      ),
      address: fc.array(
        fc.record({
          line: fc.array(word, { maxLength: 2 }),
          postalCode: fc.constantFrom("1", "2"),
        }),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  )
  .map(person);

suite("comparing two persons", () => {
  test("comes to the same whichever comes first", () => {
    fc.assert(
      fc.property(patients, patients, (a, b) => {
        assert.deepEqual(compare(a, b), compare(b, a));
      }),
    );
  });

  test("finds a person to agree with herself in all that is known", () => {
    fc.assert(
      fc.property(patients, (a) => {
        for (const verdict of fields.map((field) => compare(a, a)[field]))
          assert.ok(["same", "part", "unknown"].includes(verdict), verdict);
      }),
    );
  });

  test("one character more, less, other, or two exchanged are one slip; nothing else is", () => {
    fc.assert(
      fc.property(word, fc.nat(6), fc.constantFrom("x", "y"), (text, place, letter) => {
        const at = Math.min(place, text.length);
        assert.ok(isOneSlip(text, text.slice(0, at) + letter + text.slice(at)));
        assert.ok(isOneSlip(`${text}x`, `${text}y`));
        assert.ok(!isOneSlip(text, text));
        assert.ok(!isOneSlip(text, `${text}xy`));
      }),
    );
    assert.ok(isOneSlip("haverford", "haverfrod"));
    assert.ok(!isOneSlip("abcd", "badc"));
  });

  test("names are told apart as same, short, slipped, alike in sound, or different", () => {
    const given = (a: string, b: string): string =>
      compare(person(named("Li", a)), person(named("Li", b))).given;
    assert.equal(given("Béatrice", "BEATRICE"), "same");
    assert.equal(given("Samuel", "Sam"), "short");
    assert.equal(given("Samuel", "S"), "short");
    assert.equal(given("Samuel", "Samule"), "slip");
    assert.equal(given("Catherine", "Kathryn"), "sounds");
    assert.equal(given("Anna", "Peter"), "differ");
    assert.equal(given("Anna", ""), "unknown");
  });

  test("of several names those that are closest count", () => {
    const before = person({ name: [{ family: "Okafor" }, { family: "Berg", use: "old" }] });
    assert.equal(compare(before, person({ name: [{ family: "Berg" }] })).family, "same");
  });

  test("birth dates are same, slipped, known in part, or different", () => {
    const born = (a: string, b: string): string =>
      compare(person({ birthDate: a }), person({ birthDate: b })).birthDate;
    assert.equal(born("1980-05-03", "1980-05-03"), "same");
    assert.equal(born("1980-05-03", "1980-03-05"), "slip");
    assert.equal(born("1980-05-03", "1989-05-03"), "slip");
    assert.equal(born("1980-05-03", "1980"), "part");
    assert.equal(born("1980", "1980"), "part");
    assert.equal(born("1980-05-03", "1971-05-14"), "differ");
  });

  test("a number for life that differs says more than a record number that does", () => {
    const numbered = (system: string, value: string): ReturnType<typeof person> =>
      person({ identifier: [{ system, value }] });
    const ssn = "http://hl7.org/fhir/sid/us-ssn";
    assert.equal(
      compare(numbered(ssn, "999-12-3456"), numbered(ssn, "999123456")).lifelong,
      "same",
    );
    assert.equal(
      compare(numbered(ssn, "999-12-3456"), numbered(ssn, "999-21-3456")).lifelong,
      "slip",
    );
    assert.equal(
      compare(numbered(ssn, "999-12-3456"), numbered(ssn, "911-77-0001")).lifelong,
      "differ",
    );
    const record = compare(numbered("urn:mrn", "1"), numbered("urn:mrn", "2"));
    assert.deepEqual([record.identifier, record.lifelong], ["unknown", "unknown"]);
  });

  test("a home is the same however its street is written", () => {
    const home = (line: string, postalCode: string): ReturnType<typeof person> =>
      person({ address: [{ line: [line], postalCode }] });
    const known = home("556 Orchard Road", "01545");
    assert.equal(compare(known, home("556 ORCHARD RD.", "01545-1234")).home, "same");
    assert.equal(compare(known, home("1 Elm Street", "01545")).home, "place");
    assert.equal(compare(known, home("1 Elm Street", "02139")).home, "differ");
  });

  test("what is no Patient says nothing, and fails in nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        compare(personOf(value), personOf({ name: value, birthDate: value, telecom: value }));
      }),
    );
  });
});
