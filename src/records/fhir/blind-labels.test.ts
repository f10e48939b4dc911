import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Patient } from "@medplum/fhirtypes";
import * as fc from "fast-check";
import type { ResourceType } from "#core/ids.ts";
import { blindLabels } from "#records/fhir/blind-labels.ts";
import { contactOf, soundsOf, wordsOf } from "#records/fhir/person-values.ts";
import { parseSearch, type SearchPlan } from "#records/fhir/search.ts";
import { createTown } from "#town/town.ts";

const type = "Patient" as ResourceType;

function planOf(query: Readonly<Record<string, string>>): SearchPlan {
  const plan = parseSearch(type, new URLSearchParams(query));
  assert.ok(plan.ok, JSON.stringify(query));
  return plan.value;
}

const named = (value: Patient): ReadonlySet<string> =>
  new Set(blindLabels(value).map(({ index, text }) => `${index} ${text}`));

/** Whether the index would name this Patient for the search. */
function isCandidate(value: Patient, { blind }: SearchPlan): boolean {
  const labels = named(value);
  return blind.every((group) => group.some(({ index, text }) => labels.has(`${index} ${text}`)));
}

const ana: Patient = {
  resourceType: "Patient",
  identifier: [{ system: "urn:mrn", value: "4711" }, { value: "77" }],
  name: [
    { family: "Núñez", given: ["Ana", "Li"], text: "Ana Núñez" },
    { text: "李 小明", family: "李" },
  ],
  birthDate: "1980-05",
  telecom: [
    { system: "phone", value: "+1 (512) 555-0143 x12" },
    { system: "email", value: "ANA@example.com" },
  ],
};

suite("what a Patient is found by", () => {
  test("is listed for each index", () => {
    assert.deepEqual(
      [...named(ana)].sort(),
      [
        "identifier urn:mrn\u00004711",
        "identifier \u000077",
        "identifier-value 4711",
        "identifier-value 77",
        "family nun",
        "family 李",
        "given ana",
        "given li",
        ...[...new Set(["nunez", "ana", "li"].flatMap(soundsOf))].map((code) => `phonetic ${code}`),
        "birth-date 1980-05",
        "phone 5125550143",
        "address ana@example.com",
      ].sort(),
    );
  });

  test("is nothing for other types", () => {
    assert.deepEqual(
      blindLabels({ resourceType: "Person", name: [{ family: "Núñez" }], birthDate: "1980-05-03" }),
      [],
    );
  });

  test("never misses a Patient of the town whom the search finds once she is open", () => {
    const town = createTown({ seed: 5, patients: 120, asOf: "2026-09-01" });
    const people = [...town.patients()].map(([first]) => first as Patient);
    let asked = 0;
    for (const one of people) {
      const [name] = one.name ?? [];
      const [phone, email] = ["phone", "email"].map(
        (system) => one.telecom?.find((point) => point.system === system)?.value,
      );
      const family = name?.family ?? "";
      const searches: readonly Readonly<Record<string, string>>[] = [
        { identifier: one.identifier?.[0]?.value ?? "" },
        { identifier: `${one.identifier?.[0]?.system}|${one.identifier?.[0]?.value}` },
        { family: family.slice(0, 4).toUpperCase() },
        { "family:exact": family },
        { name: name?.given?.[0]?.slice(0, 3) ?? "" },
        { given: name?.given?.[0] ?? "", birthdate: one.birthDate ?? "" },
        { phonetic: family },
        { birthdate: (one.birthDate ?? "").slice(0, 4) },
        { birthdate: (one.birthDate ?? "").slice(0, 7), "family:contains": family.slice(1) },
        ...(phone === undefined ? [] : [{ phone }, { telecom: phone }]),
        ...(email === undefined ? [] : [{ email: email.toUpperCase() }]),
      ];
      for (const query of searches) {
        const plan = planOf(query);
        for (const other of people)
          if (plan.matches(other)) assert.ok(isCandidate(other, plan), JSON.stringify(query));
        assert.ok(plan.matches(one), JSON.stringify(query));
        if (plan.blind.length > 0) asked += 1;
      }
    }
    assert.ok(asked > people.length * 8, "most of the searches went by the index");
  });

  test("cannot be looked up by what says too little or is compared only when open", () => {
    for (const query of [
      { family: "g" },
      { family: "ga,garcia" },
      { "family:contains": "arcia" },
      { "identifier:not": "4711" },
      { identifier: "urn:mrn|" },
      { birthdate: "ge1950" },
      { gender: "female" },
    ])
      assert.deepEqual(planOf(query).blind, [], JSON.stringify(query));
    const ofPersons = parseSearch("Person" as ResourceType, new URLSearchParams("name=garcia"));
    assert.ok(ofPersons.ok && ofPersons.value.blind.length === 0);
  });

  test("is asked for by the narrowest parameter first", () => {
    const plan = planOf({ given: "ana", family: "garcia", birthdate: "1980-05-03" });
    assert.deepEqual(
      plan.blind.map(([first]) => first?.index),
      ["birth-date", "family", "given"],
    );
  });
});

suite("values of persons", () => {
  test("a telephone number is its digits, however it is written", () => {
    const forms = ["512-555-0143", "+1 (512) 555 0143", "1.512.555.0143", "5125550143 ext. 9"];
    for (const text of forms)
      assert.deepEqual(contactOf(text), { kind: "phone", text: "5125550143" }, text);
    assert.deepEqual(contactOf("0049 30 1234"), { kind: "phone", text: "49301234" });
    assert.deepEqual(contactOf("+49 30 1234"), { kind: "phone", text: "49301234" });
    assert.deepEqual(contactOf(" Ana@Example.com "), { kind: "address", text: "ana@example.com" });
    assert.equal(contactOf("  "), null);
  });

  test("a name may sound in two ways, and a name without Latin letters in none", () => {
    assert.deepEqual(soundsOf("schmidt"), ["XMT", "SMT"]);
    assert.deepEqual(soundsOf("smith"), ["SM0", "XMT"]);
    assert.deepEqual(soundsOf("李"), []);
    assert.deepEqual(wordsOf("O'Brien-García  Núñez"), ["obrien", "garcia", "nunez"]);
  });

  test("reading any text gives words and contacts that read the same again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        for (const word of wordsOf(text)) assert.deepEqual(wordsOf(word), [word]);
        const contact = contactOf(text);
        if (contact?.kind === "address") assert.deepEqual(contactOf(contact.text), contact);
      }),
    );
  });
});
