import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { boundsOf } from "#records/fhir/dates.ts";
import { birthDatesNear, passesFor } from "#records/matching/blocking.ts";

const days = fc
  .date({ min: new Date("1910-01-01"), max: new Date("2090-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

suite("looking for who may be the same person", () => {
  test("a birth date with one wrong digit is looked for, too", () => {
    fc.assert(
      fc.property(days, fc.constantFrom(3, 5, 6, 8, 9), fc.nat(9), (day, at, digit) => {
        const mistyped = `${day.slice(0, at)}${digit}${day.slice(at + 1)}`;
        fc.pre(boundsOf(mistyped) !== null);
        assert.ok(birthDatesNear(day).includes(mistyped), mistyped);
      }),
    );
  });

  test("only days that exist are looked for, and few enough to be asked of an index", () => {
    fc.assert(
      fc.property(days, (day) => {
        const near = birthDatesNear(day);
        assert.ok(near.includes(day) && near.length <= 80, String(near.length));
        for (const each of near) assert.ok(boundsOf(each) !== null, each);
      }),
    );
  });

  test("each way of looking needs something of every group that it asks for", () => {
    const patient = (about: object): never => ({ resourceType: "Patient", ...about }) as never;
    assert.deepEqual(passesFor(patient({})), []);
    assert.deepEqual(passesFor(patient({ birthDate: "1980-05-03" })), []);
    const named = patient({ name: [{ family: "Berg", given: ["Ana"] }], birthDate: "1980-05-03" });
    assert.equal(passesFor(named).length, 2);
    const reached = patient({ telecom: [{ system: "phone", value: "555-0143" }] });
    assert.deepEqual(passesFor(reached), [[[{ index: "phone", text: "5550143" }]]]);
  });
});
