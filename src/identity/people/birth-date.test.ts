import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseInstant, toIso, type Instant } from "#core/clock.ts";
import { birthdayBegins, parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";

const at = (iso: string): Instant => parseInstant(Date.parse(iso)) ?? assert.fail();
const now = at("2026-11-23T12:00:00Z");
const born = (text: string): BirthDate => parseBirthDate(text, now) ?? assert.fail(text);

test("a birth date is a real day that is not to come and within living memory", () => {
  for (const text of ["2008-02-29", "1900-01-01", "2026-11-23", "2026-11-24"])
    assert.equal(parseBirthDate(text, at("2026-11-23T13:00:00Z")), text);
  for (const wrong of ["2007-02-29", "2026-11-25", "1860-01-01", "2026-1-2", "2026-13-01", "", 7])
    assert.equal(parseBirthDate(wrong, now), null, String(wrong));
});

test("an age is reached where the day begins first on Earth", () => {
  assert.equal(toIso(birthdayBegins(born("2009-01-20"), 18)), "2027-01-19T10:00:00.000Z");
  assert.equal(toIso(birthdayBegins(born("2008-02-29"), 18)), "2026-02-27T10:00:00.000Z");
  assert.equal(toIso(birthdayBegins(born("2008-02-29"), 20)), "2028-02-28T10:00:00.000Z");
});

test("an age is reached nowhere on Earth later than the birthday begins there", () => {
  const days = fc.date({
    min: new Date("1900-01-01"),
    max: new Date("2026-11-22"),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(
      days,
      fc.integer({ min: 12, max: 21 }),
      fc.integer({ min: -12, max: 14 }),
      (day, age, zone) => {
        const birthDate = born(day.toISOString().slice(0, 10));
        const birthday = new Date(`${birthDate}T00:00:00Z`);
        birthday.setUTCFullYear(birthday.getUTCFullYear() + age);
        assert.ok(birthdayBegins(birthDate, age) <= birthday.getTime() - zone * 60 * 60_000);
      },
    ),
  );
});
