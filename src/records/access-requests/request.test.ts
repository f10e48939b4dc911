import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseInstant, type Instant } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import { parseAct, parseAsked } from "#records/access-requests/parse.ts";
import { newRequest, perform, type Act } from "#records/access-requests/request.ts";
import { daysAfter, legalDay } from "#records/access-requests/rule.ts";

function at(text: string): Instant {
  const found = parseInstant(Date.parse(text));
  assert.ok(found !== null);
  return found;
}

const account = parseAccountId("00000000-0000-4000-8000-000000000001");
assert.ok(account !== null);
const officer = { account, role: "privacy-officer" } as const;
const request = newRequest(
  {
    patient: "ana",
    person: { name: "Ana", birthDate: null },
    wants: "All of it",
    form: "pdf",
    sendTo: null,
  },
  { account, role: "patient" },
  at("2026-01-15T12:00:00Z"),
);

test("an answer is owed within 30 calendar days, whatever months and weekends lie between", () => {
  assert.deepEqual([request.askedOn, request.dueOn], ["2026-01-15", "2026-02-14"]);
  assert.equal(daysAfter("2028-02-28", 30), "2028-03-29");
  assert.equal(daysAfter("2026-12-31", 30), "2027-01-30");
});

test("the day counted from is nowhere later than by the clinic's own calendar", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_102_444_800_000 }),
      // Of the United States: from Baker Island to Wake Island.
      fc.integer({ min: -12, max: 12 }),
      (ms, zoneHours) => {
        const instant = parseInstant(ms);
        assert.ok(instant !== null);
        const local = new Date(ms + zoneHours * 3_600_000).toISOString().slice(0, 10);
        assert.ok(legalDay(instant) <= local);
        assert.ok(daysAfter(legalDay(instant), 2) > local);
      },
    ),
  );
});

const extend: Act = { act: "extend", reason: "The old charts are in another building." };

test("the time is extended once, by 30 days, with its reason, and only within the first period", () => {
  const later = perform(request, extend, officer, at("2026-02-10T12:00:00Z"));
  assert.ok(later.ok);
  assert.deepEqual(
    [later.value.dueOn, later.value.extension?.reason, later.value.now.state],
    ["2026-03-16", "The old charts are in another building.", "open"],
  );
  assert.ok(!perform(later.value, extend, officer, at("2026-02-11T12:00:00Z")).ok);
  assert.ok(!perform(request, extend, officer, at("2026-02-15T13:00:00Z")).ok);
});

test("what was answered, denied or withdrawn is closed for good", () => {
  const acts: readonly Act[] = [
    { act: "fulfil", how: "By letter" },
    { act: "deny", grounds: ["endangers"], reason: "A danger", inPart: true },
    { act: "withdraw" },
  ];
  for (const first of acts) {
    const closed = perform(request, first, officer, at("2026-01-20T00:00:00Z"));
    assert.ok(closed.ok);
    assert.notEqual(closed.value.now.state, "open");
    for (const second of [...acts, extend])
      assert.ok(!perform(closed.value, second, officer, at("2026-01-21T00:00:00Z")).ok);
  }
});

for (const [what, body, wrong] of [
  ["no patient", { wants: "x", form: "pdf" }, "patient"],
  ["nothing wanted", { patient: "a", wants: " ", form: "pdf" }, "wants"],
  ["an unknown form", { patient: "a", wants: "x", form: "fax" }, "form"],
  ["a control character", { patient: "a", wants: "x\u0000", form: "pdf" }, "wants"],
  ["a lone surrogate", { patient: "a", wants: "x\ud800", form: "pdf" }, "wants"],
  ["too long a text", { patient: "a", wants: "x".repeat(4_001), form: "pdf" }, "wants"],
  ["an address that is none", { patient: "a", wants: "x", form: "pdf", sendTo: 7 }, "sendTo"],
  ["no object", [], "body"],
] as const)
  test(`a request with ${what} is refused by its name`, () => {
    const parsed = parseAsked(body);
    assert.ok(!parsed.ok);
    assert.deepEqual([parsed.problem.code, parsed.problem.at], ["parameter-invalid", wrong]);
  });

for (const [what, body, wrong] of [
  ["no version", { act: "withdraw" }, "version"],
  ["an unknown act", { version: 1, act: "burn" }, "act"],
  ["a denial without grounds", { version: 1, act: "deny", reason: "x", grounds: [] }, "grounds"],
  [
    "a ground that the law has not",
    { version: 1, act: "deny", reason: "x", grounds: ["toString"] },
    "grounds",
  ],
  ["a denial without words", { version: 1, act: "deny", grounds: ["inmate"] }, "reason"],
  ["an extension without a reason", { version: 1, act: "extend" }, "reason"],
] as const)
  test(`an act with ${what} is refused by its name`, () => {
    const parsed = parseAct(body);
    assert.ok(!parsed.ok);
    assert.deepEqual([parsed.problem.code, parsed.problem.at], ["parameter-invalid", wrong]);
  });
