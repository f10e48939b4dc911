import assert from "node:assert/strict";
import { test } from "node:test";
import { readOffer } from "./read.ts";

const offer = {
  app: {
    name: "Heart Diary",
    home: "https://app.example",
    approvedAt: "2026-01-02",
    keepsKey: true,
  },
  scopes: [{ scope: "openid", words: "Who you are", needed: true }, { words: "no scope" }],
  days: 90,
  patient: { kind: "pick", patients: [{ id: "a", name: "Ana" }, { id: "b", name: null }, {}] },
};

test("what an app asks for is read whole; parts without a name are left out", () => {
  const read = readOffer(offer);
  assert.deepEqual(read?.scopes, [{ scope: "openid", words: "Who you are", isNeeded: true }]);
  assert.equal(read?.patient.kind === "pick" && read.patient.patients.length, 2);
  assert.equal(read?.days, 90);
});

test("an app that does not say who it is or whose record it wants gets no page", () => {
  assert.equal(readOffer({ ...offer, app: {} }), null);
  assert.equal(readOffer({ ...offer, patient: { kind: "everybody" } }), null);
  assert.equal(readOffer(null), null);
});

test("an app counts as keeping no key unless it is said that it does", () => {
  assert.equal(readOffer({ ...offer, app: { name: "x", keepsKey: "yes" } })?.keepsKey, false);
});
