import assert from "node:assert/strict";
import { test } from "node:test";
import { toIso } from "#core/clock.ts";
import { relationsOf } from "#records/care-team.ts";

const member = (reference: string, period?: object): object => ({
  member: { reference },
  ...(period === undefined ? {} : { period }),
});

function shown(careTeam: object): unknown[] {
  return relationsOf({ resourceType: "CareTeam", status: "active", ...careTeam }).map(
    ({ practitioner, startsAt, endsAt }) => [
      practitioner,
      startsAt === null ? null : toIso(startsAt),
      endsAt === null ? null : toIso(endsAt),
    ],
  );
}

test("the practitioners of an active team care for its patient", () => {
  const participant = [
    member("Practitioner/a"),
    member("Organization/o"),
    member("Practitioner/b"),
  ];
  assert.deepEqual(shown({ participant }), [
    ["a", null, null],
    ["b", null, null],
  ]);
});

for (const status of ["proposed", "suspended", "inactive", "entered-in-error", undefined])
  test(`a team that is ${status ?? "without status"} lets nobody in`, () => {
    assert.deepEqual(shown({ status, participant: [member("Practitioner/a")] }), []);
  });

test("a member stays as long as both the team and the membership last", () => {
  const team = {
    period: { start: "2024-01-01T00:00:00Z", end: "2024-12-31T00:00:00Z" },
    participant: [
      member("Practitioner/a", { start: "2024-03-01T00:00:00Z" }),
      member("Practitioner/b", { end: "2024-06-01T00:00:00+02:00" }),
    ],
  };
  assert.deepEqual(shown(team), [
    ["a", "2024-03-01T00:00:00.000Z", "2024-12-31T00:00:00.000Z"],
    ["b", "2024-01-01T00:00:00.000Z", "2024-05-31T22:00:00.000Z"],
  ]);
});

for (const [end, until] of [
  ["2024-02-28", "2024-02-29T00:00:00.000Z"],
  ["2024-02", "2024-03-01T00:00:00.000Z"],
  ["2024", "2025-01-01T00:00:00.000Z"],
] as const)
  test(`a period that ends ${end} lasts to the end of it`, () => {
    const participant = [member("Practitioner/a", { end })];
    assert.deepEqual(shown({ participant }), [["a", null, until]]);
  });

test("a membership that lies wholly outside the team's time gives nothing", () => {
  const team = {
    period: { end: "2023" },
    participant: [member("Practitioner/a", { start: "2024-05-01" })],
  };
  assert.deepEqual(shown(team), []);
});

for (const odd of [null, "CareTeam", [], { status: "active", participant: "Practitioner/a" }])
  test(`${JSON.stringify(odd)} is no care team`, () => {
    assert.deepEqual(relationsOf(odd), []);
  });

test("a reference with an address, a version or no id names no practitioner of ours", () => {
  const references = [
    "https://elsewhere/Practitioner/a",
    "Practitioner/a/_history/1",
    "Practitioner/",
  ];
  assert.deepEqual(shown({ participant: references.map((each) => member(each)) }), []);
});
