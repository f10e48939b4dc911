import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { categoriesOf, labelsOf } from "#records/fhir/categories.ts";
import { sensitivities } from "#records/fhir/sensitivities.ts";
import { resourceOf } from "#records/fhir/testing.ts";

const actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const categorySystem = "http://terminology.hl7.org/CodeSystem/observation-category";

const condition = (system: string, code: string, meta = {}): object => ({
  resourceType: "Condition",
  ...meta,
  subject: { reference: "Patient/p1" },
  code: { coding: [{ system, code }] },
});

const labels = (resource: object): readonly string[] => labelsOf(resourceOf(resource));

suite("sensitivity labels", () => {
  test("come from what the author marked", () => {
    const security = [
      { system: actCode, code: "PSYTHPN" },
      { system: confidentiality, code: "R" },
      { system: "http://e.example/x", code: "HIV" },
    ];
    const marked = condition("http://snomed.info/sct", "38341003", { meta: { security } });
    assert.deepEqual(labels(marked), ["psychotherapy", "restricted"]);
    const normal = { meta: { security: [{ system: confidentiality, code: "N" }] } };
    assert.deepEqual(labels(condition("http://snomed.info/sct", "38341003", normal)), []);
  });

  for (const { label, codes, prefixes, securityCodes } of sensitivities) {
    test(`"${label}" comes from each code of its table, and from none beside it`, () => {
      const stated = securityCodes.map((code) => ({ system: actCode, code }));
      for (const coding of stated)
        assert.ok(
          labels({
            resourceType: "Basic",
            code: { text: "x" },
            meta: { security: [coding] },
          }).includes(label),
        );
      for (const { system, values } of codes)
        for (const [code = "", name = ""] of values) {
          assert.notEqual(name, "", code);
          assert.ok(labels(condition(system, code)).includes(label), code);
          assert.deepEqual(labels(condition("http://e.example/other", code)), []);
          assert.equal(labels(condition(system, `${code}0`)).includes(label), false);
        }
      for (const { system, values } of prefixes)
        for (const start of values)
          assert.ok(labels(condition(system, `${start}.1`)).includes(label));
    });
  }

  test("are found wherever a code stands", () => {
    const coding = [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: "B20" }];
    const resource = {
      resourceType: "Encounter",
      status: "finished",
      class: { code: "AMB" },
      reasonCode: [{ coding }],
    };
    assert.deepEqual(labels(resource), ["hiv"]);
  });

  test("are sorted, each once", () => {
    const code = {
      coding: [
        { system: "http://snomed.info/sct", code: "86406008" },
        { system: "http://hl7.org/fhir/sid/icd-10-cm", code: "B20" },
        { system: "http://hl7.org/fhir/sid/icd-10-cm", code: "F11.20" },
      ],
    };
    const resource = { ...condition("", ""), code };
    assert.deepEqual(labels(resource), ["hiv", "substance-use"]);
  });
});

suite("categories", () => {
  const observation = (system: string, code: string): object => ({
    resourceType: "Observation",
    status: "final",
    code: { text: "x" },
    category: [{ coding: [{ system, code }] }],
  });

  test("are the type, the kind of observation and the labels", () => {
    assert.deepEqual(categoriesOf(resourceOf(observation(categorySystem, "laboratory"))), [
      "Observation",
      "Observation:laboratory",
    ]);
    const hiv = condition("http://snomed.info/sct", "86406008");
    assert.deepEqual(categoriesOf(resourceOf(hiv)), ["Condition", "hiv"]);
  });

  test("never repeat a text that a sender chose", () => {
    for (const [system, code] of [
      [categorySystem, "ana-smith"],
      ["http://e.example/c", "laboratory"],
    ] as const)
      assert.deepEqual(categoriesOf(resourceOf(observation(system, code))), ["Observation"]);
  });
});
