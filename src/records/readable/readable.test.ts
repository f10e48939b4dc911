import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { cleanLimits, cleanNarrative, narrativeWords } from "#records/readable/clean.ts";
import { saidDate } from "#records/readable/dates.ts";
import { readableOf } from "#records/readable/entry.ts";
import { htmlEntry, htmlHead } from "#records/readable/html.ts";
import { elementLabel } from "#records/readable/labels.ts";
import { layOutPdf } from "#records/readable/pdf.ts";

const read = (resource: object) => readableOf(JSON.stringify(resource));
const factsOf = (resource: object): Record<string, string> =>
  Object.fromEntries(read(resource).facts.map(({ label, value }) => [label, value]));

const observation = {
  resourceType: "Observation",
  id: "o",
  meta: { versionId: "7" },
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "4548-4", display: "HbA1c" }] },
  effectiveDateTime: "2024-03-05T09:30:00-05:00",
  valueQuantity: { value: 6.5, unit: "%" },
  referenceRange: [{ low: { value: 4, unit: "%" }, high: { value: 5.6, unit: "%" } }],
  note: [{ text: "Take again", authorString: "Dr. Lee", time: "2024-03-06" }],
};

test("a test result is told by its name, its day and what it says", () => {
  const entry = read(observation);
  assert.deepEqual(
    [entry.section, entry.title, entry.when],
    ["Test results and measurements", "HbA1c (4548-4)", "Mar 5, 2024, 09:30 (UTC-05:00)"],
  );
  assert.deepEqual(factsOf(observation), {
    Status: "final",
    Code: "HbA1c (4548-4)",
    Effective: "Mar 5, 2024, 09:30 (UTC-05:00)",
    Value: "6.5 %",
    "Reference range": "4 % to 5.6 %",
    Note: "Take again — Dr. Lee, Mar 6, 2024",
  });
});

test("a number keeps the digits that were written", () => {
  const text = JSON.stringify(observation).replace("6.5,", "6.50,");
  assert.ok(text.includes("6.50"));
  const value = readableOf(text).facts.find(({ label }) => label === "Value")?.value;
  assert.equal(value, "6.50 %");
});

test("people, addresses, periods, extensions and what is contained are told in words", () => {
  const facts = factsOf({
    resourceType: "Patient",
    name: [{ prefix: ["Ms."], given: ["Ana", "M"], family: "Ruiz" }],
    birthDate: "1980-02-03",
    address: [{ line: ["12 Elm"], city: "Ames", state: "IA", postalCode: "50010" }],
    telecom: [{ system: "phone", value: "555-0101", use: "home" }],
    deceasedBoolean: false,
    extension: [
      {
        url: "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        extension: [{ url: "text", valueString: "Asian" }],
      },
    ],
    _gender: {
      extension: [
        {
          url: "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
          valueCode: "asked-declined",
        },
      ],
    },
    contained: [{ resourceType: "Organization", id: "c", name: "A clinic" }],
  });
  assert.deepEqual(facts, {
    Name: "Ms. Ana M Ruiz",
    "Birth date": "Feb 3, 1980",
    Address: "12 Elm, Ames, IA 50010",
    Telecom: "555-0101, home phone",
    Deceased: "No",
    "Us core race › Text": "Asian",
    "Gender › Data absent reason": "asked-declined",
    "Organization › Name": "A clinic",
  });
});

test("a document's text stands in the copy, any other file is named", () => {
  const document = (attachment: object) =>
    factsOf({ resourceType: "DocumentReference", content: [{ attachment }] });
  const data = Buffer.from("She is well.").toString("base64");
  assert.deepEqual(document({ contentType: "text/plain; charset=utf-8", data }), {
    "Content › Attachment": "She is well.",
  });
  assert.deepEqual(document({ contentType: "image/png", title: "Scan", data }), {
    "Content › Attachment": "Scan (image/png), in the FHIR copy",
  });
});

for (const [name, label] of [
  ["valueQuantity", "Value"],
  ["multipleBirthBoolean", "Multiple birth"],
  ["medicationCodeableConcept", "Medication"],
  ["onsetDateTime", "Onset"],
  ["recordedDate", "Recorded date"],
  ["valueSet", "Value set"],
  ["bodySite", "Body site"],
] as const)
  test(`${name} is called "${label}"`, () => {
    assert.equal(elementLabel(name), label);
  });

for (const [text, said] of [
  ["2024", "2024"],
  ["2024-05", "May 2024"],
  ["2024-05-01", "May 1, 2024"],
  ["2024-05-01T10:20:30.5Z", "May 1, 2024, 10:20 (UTC)"],
  ["2024-13", null],
  ["May", null],
] as const)
  test(`the date ${text} is said as ${said}`, () => {
    assert.equal(saidDate(text), said);
  });

test("nothing of a narrative runs, loads or leads anywhere when it is shown", () => {
  const hostile = [
    '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script><p>kept</p></div>',
    '<div><p onclick="x()">kept</p><img src="https://evil.example/a.png" onerror="x()"/></div>',
    '<div><a href="javascript:alert(1)">kept</a><iframe src="https://evil.example"></iframe></div>',
    '<div><p style="background:url(https://evil.example)">kept</p><svg onload="x()"/></div>',
    '<div><math><mtext></mtext><style><img src=x onerror="x()"></style></math>kept</div>',
  ];
  for (const xhtml of hostile) {
    const clean = cleanNarrative(xhtml) ?? "";
    assert.match(clean, /kept/);
    assert.doesNotMatch(clean, /script|alert|evil|onerror|onclick|onload|style|href|src|<img|<svg/);
    assert.equal(narrativeWords(xhtml), "kept");
  }
  assert.equal(cleanNarrative("x".repeat(cleanLimits.narrativeCharacters + 1)), null);
});

test("whatever a record says stands in the page as words, never as markup", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (title, value) => {
      const marked = `${title}<script>"'&`;
      const entry = { section: marked, title: marked, when: marked, narrative: null };
      const html = htmlEntry({ ...entry, facts: [{ label: marked, value }] }, true);
      assert.doesNotMatch(html, /<script/);
      assert.doesNotMatch(htmlHead({ name: marked, made: marked, notes: [marked] }), /<script/);
    }),
  );
});

test("any stored resource can be read, however its elements are shaped", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (json) => {
      const { facts } = readableOf(`{"resourceType":"Basic","x":${json}}`);
      for (const { label, value } of facts) {
        assert.equal(typeof label, "string");
        assert.equal(typeof value, "string");
      }
    }),
  );
});

test("a PDF is laid out apart from the thread that answers requests", async () => {
  const entries = Array.from({ length: 60 }, (_, n) => ({
    section: n < 30 ? "One" : "Two",
    title: `Entry ${n}: ąčę Ωμέγα Привет`,
    when: "May 1, 2024",
    facts: [{ label: "Label", value: "Value\nof two lines" }],
    narrative: "<div><p>A <b>story</b></p></div>",
  }));
  const head = { name: "Ana Ruiz", made: "May 1, 2024", notes: ["A note"] };
  const pdf = await layOutPdf({ head, entries });
  assert.ok(pdf.ok);
  const bytes = Buffer.concat(pdf.value);
  assert.equal(bytes.subarray(0, 5).toString(), "%PDF-");
  assert.match(bytes.subarray(-1_024).toString("latin1"), /%%EOF/);
});

test("a record that is too large for a PDF is refused before it is laid out", async () => {
  const entry = { section: "s", title: "t", when: null, facts: [], narrative: null };
  const entries = Array.from({ length: 10_001 }, () => entry);
  const refused = await layOutPdf({ head: { name: "n", made: "m", notes: [] }, entries });
  assert.ok(!refused.ok);
  assert.equal(refused.problem.code, "too-costly");
});
