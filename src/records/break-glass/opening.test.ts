import assert from "node:assert/strict";
import { test } from "node:test";
import { laterBy, parseInstant, type Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { newOpening, perform, type Act } from "#records/break-glass/opening.ts";
import { secondsToWait } from "#records/break-glass/opening-store.ts";
import { parseAct, parseAsked } from "#records/break-glass/parse.ts";
import { breakGlassLimits, usualEmergencyRules } from "#records/break-glass/rules.ts";

function account(digit: string): AccountId {
  const id = parseAccountId(`00000000-0000-4000-8000-00000000000${digit}`);
  assert.ok(id !== null);
  return id;
}

function instant(ms: number): Instant {
  const at = parseInstant(ms);
  assert.ok(at !== null);
  return at;
}

const noon = instant(1_800_000_000_000);
const opener = account("1");
const officer = account("2");
const opening = newOpening(
  {
    patient: "ana",
    person: { name: "Ana Ruiz", birthDate: null },
    account: opener,
    reason: "Unconscious on arrival",
    count: 1,
    openedAt: noon,
  },
  usualEmergencyRules,
);
const review: Act = { act: "review", finding: "justified", words: "Seen in the ED sheet" };

test("an act after the end does not put the end off", () => {
  const late = laterBy(opening.endsAt, 60_000);
  const act: Act = { ...review, finding: "not-justified" };
  const reviewed = perform(opening, act, { account: officer, at: late });
  assert.ok(reviewed.ok);
  assert.deepEqual([reviewed.value.endsAt, reviewed.value.closedAt], [opening.endsAt, null]);
  const closed = perform(opening, { act: "close" }, { account: opener, at: late });
  assert.equal(closed.ok ? null : closed.problem.code, "parameter-invalid");
});

test("a second review is refused, and one's own is forbidden", () => {
  const at = laterBy(noon, 1_000);
  const once = perform(opening, review, { account: officer, at });
  assert.ok(once.ok);
  const twice = perform(once.value, review, { account: account("3"), at });
  assert.equal(twice.ok ? null : twice.problem.code, "parameter-invalid");
  const own = perform(opening, review, { account: opener, at });
  assert.equal(own.ok ? null : own.problem.code, "forbidden");
});

test("who opened too many waits until the first of them is a day old", () => {
  const at = laterBy(noon, 60 * 60_000);
  const wait = breakGlassLimits.windowMs / 1_000 - 60 * 60;
  assert.equal(secondsToWait({ count: 6, first: noon }, at), wait);
  assert.equal(secondsToWait({ count: 0, first: null }, at), 1);
});

const { least, most } = breakGlassLimits.reasonCharacters;

test("a reason is words, neither too few nor too many, and no control characters", () => {
  const refusedFor = (reason: unknown): string | undefined => {
    const parsed = parseAsked({ patient: "ana", reason });
    return parsed.ok ? undefined : parsed.problem.at;
  };
  assert.equal(refusedFor("x".repeat(least)), undefined);
  assert.equal(refusedFor("x".repeat(most)), undefined);
  for (const reason of ["x".repeat(least - 1), "x".repeat(most + 1), " ".repeat(20), 7, null])
    assert.equal(refusedFor(reason), "reason");
  assert.equal(refusedFor(`x\u0000${"x".repeat(20)}`), "reason");
});

test("an act names a version, itself, and for a review a finding and words", () => {
  const at = (body: unknown): string | undefined => {
    const parsed = parseAct(body);
    return parsed.ok ? undefined : parsed.problem.at;
  };
  assert.equal(at({ version: 1, act: "close" }), undefined);
  assert.equal(at({ version: 0, act: "close" }), "version");
  assert.equal(at({ version: 1, act: "open" }), "act");
  assert.equal(at({ version: 1, act: "review", finding: "fine", words: "Yes it was" }), "finding");
  assert.equal(at({ version: 1, act: "review", finding: "justified", words: "" }), "words");
  assert.equal(at([]), "body");
});
