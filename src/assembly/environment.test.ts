import assert from "node:assert/strict";
import { test } from "node:test";
import { readEnvironment } from "#assembly/environment.ts";

const graceOf = (text: string | undefined): number =>
  readEnvironment({ PHYLAX_KEYS_GRACE_SECONDS: text }, "/work", false).keysGraceMs;

test("the grace without the keys process is two minutes, unless whole seconds are given", () => {
  assert.equal(graceOf(undefined), 120_000);
  assert.equal(graceOf(""), 120_000);
  assert.equal(graceOf("30"), 30_000);
  assert.equal(graceOf("0"), 0);
});

test("a grace that is none, or longer than keys stay in memory, is the default", () => {
  for (const text of ["-1", "1.5", "soon", "901", "Infinity"])
    assert.equal(graceOf(text), 120_000, text);
});

test("a parent's access ends at 18, unless an age from 12 to 21 is given", () => {
  const ageOf = (text: string | undefined): number =>
    readEnvironment({ PHYLAX_PARENT_ENDS_AT_AGE: text }, "/work", false).parentEndsAtAge;
  for (const [text, age] of [
    [undefined, 18],
    ["", 18],
    ["12", 12],
    ["19", 19],
    ["21", 21],
  ] as const)
    assert.equal(ageOf(text), age);
  for (const text of ["11", "22", "18.5", "grown", "-18"]) assert.equal(ageOf(text), 18, text);
});

const read = (variables: Readonly<Record<string, string>>) =>
  readEnvironment(variables, "/work", false);

test("log-off and the waiting time of recovery are what is usual, unless set within their limits", () => {
  assert.deepEqual(read({}).logOff, {
    patientIdleMs: 1_800_000,
    workforceIdleMs: 900_000,
    kioskIdleMs: 120_000,
  });
  assert.deepEqual(read({}).recoveryWaits, { codeMs: 72 * 3_600_000, staffMs: 3_600_000 });
  assert.equal(read({ PHYLAX_IDLE_PATIENT_SECONDS: "600" }).logOff.patientIdleMs, 600_000);
  assert.equal(read({ PHYLAX_IDLE_WORKFORCE_SECONDS: "300" }).logOff.workforceIdleMs, 300_000);
  assert.equal(read({ PHYLAX_IDLE_KIOSK_SECONDS: "30" }).logOff.kioskIdleMs, 30_000);
  assert.equal(read({ PHYLAX_RECOVERY_WAIT_SECONDS: "2" }).recoveryWaits.codeMs, 2_000);
  assert.equal(read({ PHYLAX_RECOVERY_STAFF_WAIT_SECONDS: "0" }).recoveryWaits.staffMs, 0);
  for (const wrong of ["-1", "0", "1.5", "never", "99999999"]) {
    assert.equal(read({ PHYLAX_IDLE_PATIENT_SECONDS: wrong }).logOff.patientIdleMs, 1_800_000);
    assert.equal(
      read({ PHYLAX_RECOVERY_WAIT_SECONDS: wrong }).recoveryWaits.codeMs,
      72 * 3_600_000,
    );
  }
});
