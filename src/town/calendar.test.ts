import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  ageOn,
  dateText,
  dayOf,
  fixedDay,
  monthOf,
  parseDay,
  timeText,
  weekday,
  workday,
  yearOf,
} from "#town/calendar.ts";

const days = fc.integer({ min: dayOf(1800, 1, 1), max: dayOf(2400, 12, 31) });

test("our calendar agrees with the platform's on every day of six centuries", () => {
  fc.assert(
    fc.property(days, (day) => {
      const rival = new Date(day * 86_400_000);
      assert.equal(dateText(day), rival.toISOString().slice(0, 10));
      assert.equal(yearOf(day), rival.getUTCFullYear());
      assert.equal(monthOf(day), rival.getUTCMonth() + 1);
      assert.equal(weekday(day), rival.getUTCDay());
    }),
    { numRuns: 5_000 },
  );
});

test("a date written is read back as the same day", () => {
  fc.assert(fc.property(days, (day) => assert.equal(parseDay(dateText(day)), day)));
});

test("what is no date is not read", () => {
  for (const text of [
    "",
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-1-1",
    "26-01-01",
    "2026-01-01T00:00Z",
    " 2026-01-01",
  ]) {
    assert.equal(parseDay(text), null, text);
  }
  assert.equal(parseDay("2024-02-29"), dayOf(2024, 2, 29));
});

test("a year of age is reached on the birthday, and by the leap-day child on 1 March", () => {
  const leap = fixedDay("2004-02-29");
  assert.equal(ageOn(leap, fixedDay("2022-02-28")), 17);
  assert.equal(ageOn(leap, fixedDay("2022-03-01")), 18);
  assert.equal(ageOn(leap, fixedDay("2024-02-29")), 20);
  assert.equal(ageOn(fixedDay("2010-06-15"), fixedDay("2026-06-14")), 15);
  assert.equal(ageOn(fixedDay("2010-06-15"), fixedDay("2026-06-15")), 16);
});

test("minutes past the day's end fall on the next day", () => {
  assert.equal(timeText(fixedDay("2025-12-31"), 1439), "2025-12-31T23:59:00Z");
  assert.equal(timeText(fixedDay("2025-12-31"), 1440), "2026-01-01T00:00:00Z");
  assert.equal(timeText(fixedDay("2026-03-01"), -1), "2026-02-28T23:59:00Z");
});

test("a weekend is put off to Monday", () => {
  fc.assert(
    fc.property(days, (day) => {
      const put = workday(day);
      assert.ok(put - day <= 2 && weekday(put) !== 0 && weekday(put) !== 6);
      if (weekday(day) > 0 && weekday(day) < 6) assert.equal(put, day);
    }),
  );
});
