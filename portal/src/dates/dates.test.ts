import assert from "node:assert/strict";
import { test } from "node:test";
import { createDates, localeFor } from "./dates.ts";
import { newestFirst } from "./order.ts";

const datesAt = (now: string, timeZone = "America/New_York") =>
  createDates({
    locale: "en-US",
    timeZone,
    now: () => Date.parse(now),
    words: { today: "Today", yesterday: "Yesterday" },
  });

test("a date is only as precise as it was recorded", () => {
  const dates = datesAt("2025-11-20T12:00:00Z");
  assert.equal(dates.day("1978"), "1978");
  assert.equal(dates.day("1978-01"), "January 1978");
  assert.equal(dates.day("1978-01-14"), "Jan 14, 1978");
  assert.equal(dates.moment("1978-01-14"), "Jan 14, 1978");
});

test("a birthday is the same day in every zone", () => {
  for (const zone of ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]) {
    assert.equal(datesAt("2025-11-20T12:00:00Z", zone).day("1978-01-14"), "Jan 14, 1978");
  }
});

test("a moment is told in the reader's zone", () => {
  const dates = datesAt("2025-11-20T12:00:00Z");
  assert.equal(dates.day("2025-03-01T02:00:00Z"), "Feb 28, 2025");
  assert.match(dates.moment("2025-03-01T02:00:00Z"), /Feb 28, 2025, 9:00\sPM/);
});

test("today and yesterday are the reader's, across midnight and the change of clocks", () => {
  const dates = datesAt("2025-11-03T04:30:00Z");
  assert.equal(dates.dayHeading("2025-11-03T04:10:00Z"), "Today");
  assert.equal(dates.dayHeading("2025-11-02T03:00:00Z"), "Yesterday");
  assert.equal(dates.dayHeading("2025-10-31T16:00:00Z"), "Friday, October 31");
  assert.equal(dates.dayHeading("2024-10-31T16:00:00Z"), "Thursday, October 31, 2024");
});

test("what is no date is shown as it stands", () => {
  const dates = datesAt("2025-11-20T12:00:00Z");
  assert.equal(dates.day("childhood"), "childhood");
  assert.equal(dates.dayHeading("childhood"), "childhood");
});

test("the locale is the reader's own of our language, or the language itself", () => {
  assert.equal(localeFor("en", ["de-DE", "en-GB", "en-US"]), "en-GB");
  assert.equal(localeFor("en", ["de-DE"]), "en");
  assert.equal(localeFor("en", ["english"]), "en");
});

test("what has no date comes last, however old the rest", () => {
  assert.deepEqual(
    newestFirst([null, "1901", "childhood", "2020-02-02T00:00:00Z"], (date) => date),
    ["2020-02-02T00:00:00Z", "1901", null, "childhood"],
  );
});
