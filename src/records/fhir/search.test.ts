import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Resource } from "@medplum/fhirtypes";
import * as fc from "fast-check";
import { parseInstant } from "#core/clock.ts";
import { parseResourceType, type ResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import {
  parseSearch,
  searchLabels,
  searchLimits,
  type SearchOptions,
  type SearchPlan,
} from "#records/fhir/search.ts";
import { resourceOf, vectors } from "#records/fhir/testing.ts";

const typeOf = (name: string): ResourceType => parseResourceType(name) ?? assert.fail();

const now = parseInstant(Date.parse("2024-07-01")) ?? assert.fail();

function planOf(type: string, query: string): SearchPlan {
  const plan = parseSearch(typeOf(type), new URLSearchParams(query), { now });
  assert.ok(plan.ok, JSON.stringify(plan.ok ? "" : plan.problem));
  return plan.value;
}

/** What an index would do: a match has, of each group, at least one label. */
function isLookedUp({ labels }: SearchPlan, value: Resource): boolean {
  const own = new Set(searchLabels(value));
  return labels.every((group) => group.some((label) => own.has(label)));
}

suite("a search finds", () => {
  for (const { name, resource = {}, found = [] } of vectors("searches"))
    for (const query of found)
      test(`${name}: ?${query}`, () => {
        const value = resourceOf(resource);
        const plan = planOf(value.resourceType, query);
        assert.ok(plan.matches(value), "the filter left it out");
        assert.ok(
          isLookedUp(plan, value),
          `${plan.labels.join(" & ")}: ${searchLabels(value).join()}`,
        );
      });
});

suite("a search leaves out", () => {
  for (const { name, resource = {}, missed = [] } of vectors("searches"))
    for (const query of missed)
      test(`${name}: ?${query}`, () => {
        const value = resourceOf(resource);
        assert.equal(planOf(value.resourceType, query).matches(value), false);
      });
});

suite("labels", () => {
  const day = fc
    .date({ noInvalidDate: true, min: new Date("2018-01-01"), max: new Date("2024-01-01") })
    .map((date) => date.toISOString());
  const dateTime = fc
    .tuple(day, fc.constantFrom(4, 7, 10, 24))
    .map(([iso, length]) => iso.slice(0, length));
  const stretch = fc.oneof(
    dateTime.map((effectiveDateTime) => ({ effectiveDateTime })),
    fc.tuple(day, day).map((ends) => {
      const [start, end] = [...ends].sort();
      return { effectivePeriod: { start, end } };
    }),
    day.map((start) => ({ effectivePeriod: { start } })),
    fc
      .uniqueArray(day, { minLength: 1, maxLength: 4 })
      .map((event) => ({ effectiveTiming: { event } })),
  );
  const observation = fc.tuple(stretch, fc.constantFrom("a", "b", "c")).map(([when, code]) =>
    resourceOf({
      resourceType: "Observation",
      status: "final",
      code: { coding: [{ system: "http://e.example/s", code }] },
      subject: { reference: "Patient/p1" },
      ...when,
    }),
  );
  const dateClause = fc
    .tuple(fc.constantFrom("", "ge", "le", "gt", "lt", "sa", "eb", "ne", "eq", "ap"), dateTime)
    .map(([prefix, date]) => `date=${prefix}${encodeURIComponent(date)}`);
  const codeClause = fc.constantFrom(
    "code=a",
    "code=a,b",
    "code=http://e.example/s|c",
    "code:not=a",
  );
  const query = fc
    .array(fc.oneof(dateClause, codeClause), { minLength: 1, maxLength: 4 })
    .map((clauses) => clauses.join("&"));

  test("of a match answer every group of a search: a look-up misses nothing", () => {
    let matched = 0;
    fc.assert(
      fc.property(observation, query, (value, text) => {
        const plan = planOf("Observation", text);
        if (!plan.matches(value)) return;
        matched += 1;
        assert.ok(isLookedUp(plan, value), `${text}: ${JSON.stringify(plan.labels)}`);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(matched > 300, `only ${matched} searches matched`);
  });

  test("of every name are found by any beginning of it", () => {
    const name = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
    fc.assert(
      fc.property(name, fc.nat(11), (family, length) => {
        if (!/[\p{L}\p{N}]/u.test(family)) return;
        const value = resourceOf({ resourceType: "Patient", name: [{ family }] });
        const start = family.slice(0, length + 1);
        if (!start.isWellFormed() || start.trim() === "") return;
        const query = new URLSearchParams([["family", start.replaceAll(/[\\,|$]/g, "\\$&")]]);
        const plan = parseSearch(typeOf("Patient"), query);
        if (!plan.ok || !plan.value.matches(value)) return;
        assert.ok(isLookedUp(plan.value, value));
      }),
    );
  });

  test("are few: four of a laboratory result", () => {
    const value = resourceOf({
      resourceType: "Observation",
      status: "final",
      category: [{ coding: [{ code: "laboratory" }] }],
      code: { coding: [{ system: "http://loinc.org", code: "4548-4" }] },
      subject: { reference: "Patient/p1" },
      encounter: { reference: "Encounter/e1" },
      effectiveDateTime: "2024-05-09",
      valueQuantity: { value: 6.1, unit: "%" },
    });
    assert.deepEqual([...searchLabels(value)].sort(), [
      "category=laboratory",
      "code=4548-4",
      "date~2024-05",
      "status=final",
    ]);
  });

  test("of a long stretch are one, and a search over many years goes by none", () => {
    const plan = { resourceType: "CarePlan", status: "active", intent: "plan" };
    const value = resourceOf({
      ...plan,
      subject: { reference: "Patient/p1" },
      period: { start: "2010", end: "2020" },
    });
    assert.deepEqual(searchLabels(value), ["date~long", "status=active"]);
    assert.deepEqual(planOf("CarePlan", "date=ge2010&date=le2020").labels, []);
    assert.deepEqual(planOf("CarePlan", "date=2015-05").labels, [["date~2015-05", "date~long"]]);
  });
});

suite("a search plan", () => {
  test("names the patient that the search names", () => {
    const patients = [
      ["Observation", "patient=p1", "p1"],
      ["Observation", "subject=Patient/p1", "p1"],
      ["Observation", "subject:Patient=p1", "p1"],
      ["Patient", "_id=p1", "p1"],
      ["Observation", "subject=Group/p1", null],
      ["Observation", "subject=p1", null],
      ["Observation", "patient=p1,p2", null],
      ["Observation", "performer=Patient/p1", null],
      ["Patient", "_id=p1,p2", null],
      ["Observation", "_id=p1", null],
    ] as const;
    for (const [type, query, patient] of patients)
      assert.equal(planOf(type, query).patient, patient, query);
  });

  test("names ids, and the time of the last update, for the columns that hold them", () => {
    assert.deepEqual(planOf("Observation", "_id=a,b").ids, ["a", "b"]);
    assert.equal(planOf("Observation", "code=a").ids, null);
    assert.deepEqual(planOf("Observation", "_lastUpdated=2024-05").lastUpdated, {
      from: Date.parse("2024-05-01"),
      to: Date.parse("2024-06-01") - 1,
    });
    assert.equal(planOf("Observation", "code=a").lastUpdated, null);
  });

  test("takes the page's size from _count, within the limit", () => {
    assert.equal(planOf("Observation", "").count, limits.searchPageDefault);
    assert.equal(planOf("Observation", "_count=7").count, 7);
    assert.equal(planOf("Observation", "_count=0").count, 0);
    assert.equal(planOf("Observation", "_count=1000000000000").count, limits.searchPageMax);
    assert.equal(planOf("Observation", "_summary=count").count, 0);
  });

  test("keeps what was used for the self link, and leaves out what it did not know", () => {
    const query = new URLSearchParams("code=a&shoe-size=43&_count=5&_sort=-date");
    const plan = parseSearch(typeOf("Observation"), query, { lenient: true });
    assert.ok(plan.ok);
    assert.deepEqual(plan.value.used, [
      ["code", "a"],
      ["_count", "5"],
      ["_sort", "-date"],
    ]);
  });

  test("sorts by date, with those that have none at the end that `-` puts them", () => {
    const dated = (id: string, when: object): Resource =>
      resourceOf({
        resourceType: "Observation",
        id,
        status: "final",
        code: { text: "x" },
        ...when,
      });
    const values = [
      dated("b", { effectiveDateTime: "2024-05-09" }),
      dated("none", {}),
      dated("a", { effectiveDateTime: "1950" }),
      dated("c", { effectivePeriod: { start: "2024-06-01" } }),
    ];
    const ordered = (query: string): readonly (string | undefined)[] => {
      const { sort } = planOf("Observation", query);
      return values
        .toSorted((x, y) => sort.compare(sort.keyOf(x), sort.keyOf(y)))
        .map(({ id }) => id);
    };
    assert.deepEqual(ordered("_sort=date"), ["none", "a", "b", "c"]);
    assert.deepEqual(ordered("_sort=-date"), ["c", "b", "a", "none"]);
    assert.deepEqual(planOf("Observation", "").sort.by, [
      { code: "_lastUpdated", descending: true },
    ]);
  });

  test("sorts by the time of the last update, in whatever form it is given", () => {
    const updated = [
      "2024-05-09T08:00:00.001Z",
      "2024-05-09T08:00:00Z",
      "2024-05-09T09:30:00.000+01:00",
      "2024-05-10T00:00:00.000Z",
    ];
    const { sort } = planOf("Patient", "_sort=_lastUpdated");
    const keyed = updated.map((lastUpdated) => {
      const key = sort.keyOf(resourceOf({ resourceType: "Patient", meta: { lastUpdated } }));
      return { lastUpdated, key };
    });
    assert.deepEqual(
      keyed.toSorted((a, b) => sort.compare(a.key, b.key)).map(({ lastUpdated }) => lastUpdated),
      [updated[1], updated[0], updated[2], updated[3]],
    );
    assert.equal(sort.keyOf(resourceOf({ resourceType: "Patient" })), "");
  });

  test("sorts by several parameters, each in its own direction", () => {
    const named = (family: string, given: string): Resource =>
      resourceOf({ resourceType: "Patient", name: [{ family, given: [given] }] });
    const values = [
      named("Abe", "Zoe"),
      named("Ab", "Zoe"),
      named("Abe", "Ana"),
      named("Cy", "Ana"),
    ];
    const { sort } = planOf("Patient", "_sort=-given,family");
    const keys = values.map(sort.keyOf).toSorted(sort.compare);
    assert.deepEqual(
      keys.map((key) => key.split("\0")),
      [
        ["zoe", "ab"],
        ["zoe", "abe"],
        ["ana", "abe"],
        ["ana", "cy"],
      ],
    );
    assert.equal(sort.compare(keys[0] ?? "", keys[0] ?? ""), 0);
  });

  test("tells how many there are, unless it is asked not to", () => {
    assert.equal(planOf("Patient", "").total, "accurate");
    assert.equal(planOf("Patient", "_total=estimate").total, "accurate");
    assert.equal(planOf("Patient", "_total=none").total, "none");
    assert.equal(planOf("Patient", "_total=none&_summary=count").total, "accurate");
  });
});

suite("a search is refused for", () => {
  const many = "code=a&".repeat(searchLimits.parameters + 1);
  const values = `code=${"a,".repeat(searchLimits.valuesPerParameter)}a`;
  const facts: readonly [
    query: string,
    code: string,
    at: string | undefined,
    options?: SearchOptions,
  ][] = [
    ["shoe-size=43", "parameter-unknown", "shoe-size"],
    ["Ana%20Smith=1", "parameter-unknown", undefined],
    ["subject:Wizard=1", "parameter-unknown", "subject:Wizard"],
    ["code=", "parameter-invalid", "code"],
    ["code=a|b|c", "parameter-invalid", "code"],
    ["code=|", "parameter-invalid", "code"],
    ["date=soon", "parameter-invalid", "date"],
    ["date=about2024", "parameter-invalid", "date"],
    ["date=2024-02-30", "parameter-invalid", "date"],
    ["subject=", "parameter-invalid", "subject"],
    ["value-string=", "parameter-invalid", "value-string"],
    ["_count=many", "parameter-invalid", "_count"],
    ["_count=-1", "parameter-invalid", "_count"],
    ["_count=1e9", "parameter-invalid", "_count"],
    ["_count=1&_count=2", "parameter-invalid", "_count"],
    ["_summary=most", "parameter-invalid", "_summary"],
    ["_total=some", "parameter-invalid", "_total"],
    ["_format=xml", "parameter-invalid", "_format"],
    ["_sort=shoe-size", "parameter-invalid", "_sort"],
    ["_sort=date,shoe-size", "parameter-invalid", "_sort"],
    ["_sort=subject", "parameter-invalid", "_sort"],
    ["_sort=", "parameter-invalid", "_sort"],
    [`_sort=${"date,".repeat(9)}date`, "parameter-invalid", "_sort"],
    [many, "parameter-invalid", undefined],
    [values, "parameter-invalid", "code"],
    ["date=soon", "parameter-invalid", "date", { lenient: true }],
  ];
  for (const [query, code, at, options] of facts)
    test(`${query.slice(0, 40)}${options?.lenient === true ? ", though lenient" : ""}`, () => {
      const plan = parseSearch(typeOf("Observation"), new URLSearchParams(query), options);
      assert.ok(!plan.ok);
      assert.deepEqual([plan.problem.code, plan.problem.at], [code, at]);
    });
});
