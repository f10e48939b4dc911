import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { compare } from "#records/matching/compare.ts";
import { personOf } from "#records/matching/person.ts";
import { scoreOf, type Score } from "#records/matching/score.ts";

const ana = {
  name: [{ family: "García", given: ["Ana"] }],
  birthDate: "1980-05-03",
  gender: "female",
  telecom: [{ system: "email", value: "ana@example.com" }],
  address: [{ line: ["1 Elm Street"], postalCode: "02139" }],
};

const scored = (a: object, b: object): Score => scoreOf(compare(personOf(a), personOf(b)));

suite("scoring two persons", () => {
  test("a person registered twice alike is certain, whatever her record numbers", () => {
    const { grade, score, evidence } = scored(
      { ...ana, identifier: [{ system: "urn:mrn", value: "1" }] },
      { ...ana, identifier: [{ system: "urn:mrn", value: "2" }] },
    );
    assert.equal(grade, "certain");
    assert.ok(score > 0.9999 && score <= 1);
    assert.ok(evidence.some(({ field, verdict }) => field === "birthDate" && verdict === "same"));
  });

  test("a slip in the name does not hide her", () => {
    const { grade } = scored(ana, { ...ana, name: [{ family: "Garica", given: ["Ana"] }] });
    assert.equal(grade, "certain");
  });

  test("a mother and her daughter of one name and home are not one person", () => {
    const daughter = { ...ana, birthDate: "2006-10-16" };
    assert.notEqual(scored(ana, daughter).grade, "certain");
    const { telecom: _, ...withoutMail } = daughter;
    assert.equal(scored(ana, withoutMail).grade, "certainly-not");
  });

  test("twins of like names are told apart by the order of birth", () => {
    const first = { ...ana, multipleBirthInteger: 1 };
    const second = { ...ana, multipleBirthInteger: 2 };
    assert.notEqual(scored(first, second).grade, "certain");
    assert.ok(scored(first, second).score < scored(first, first).score);
  });

  test("nothing that speaks plainly against it stands beside a certain match", () => {
    const ssn = (value: string): object => ({
      identifier: [{ system: "http://hl7.org/fhir/sid/us-ssn", value }],
    });
    assert.notEqual(
      scored({ ...ana, ...ssn("999-12-3456") }, { ...ana, ...ssn("911-77-0001") }).grade,
      "certain",
    );
    assert.notEqual(scored(ana, { ...ana, gender: "male" }).grade, "certain");
  });

  test("a shared household alone is no match", () => {
    const { grade } = scored(ana, {
      name: [{ family: "García", given: ["Pedro"] }],
      birthDate: "1978-01-30",
      gender: "male",
      address: ana.address,
    });
    assert.equal(grade, "certainly-not");
  });

  test("of whom nothing is known nothing can be said", () => {
    assert.deepEqual(scored({}, ana).evidence, []);
    assert.equal(scored({}, ana).grade, "certainly-not");
  });
});
