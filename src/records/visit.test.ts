import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePseudonym, parseResourceId } from "#core/ids.ts";
import type { PersonRole } from "#core/policy-request.ts";
import type { Caller } from "#records/caller.ts";
import { actingAs, isWorkforce } from "#records/visit.ts";

const own = parsePseudonym("00000000-0000-4000-8000-00000000000a") ?? assert.fail();
const other = parsePseudonym("00000000-0000-4000-8000-00000000000b") ?? assert.fail();
const child = parsePseudonym("00000000-0000-4000-8000-00000000000c") ?? assert.fail();
const ownId = parseResourceId("ana") ?? assert.fail();
const childId = parseResourceId("mateo") ?? assert.fail();

// Only these members of a caller are looked at here.
const callerOf = (roles: readonly PersonRole[]): Caller => {
  const patients = new Map([[own, ownId]]);
  const actsFor = new Map([[child, childId]]);
  const live = { roles, own: patients, actsFor, patients: new Map([...patients, ...actsFor]) };
  return { live, purpose: null } as unknown as Caller;
};

for (const [roles, whose, role, purpose] of [
  [["patient"], own, "patient", "PATRQT"],
  [["patient"], other, "patient", "PATRQT"],
  [["patient"], "organisation", "patient", "PATRQT"],
  [["proxy"], child, "proxy", "PATRQT"],
  [["patient", "proxy"], child, "proxy", "PATRQT"],
  [["clinician", "proxy"], child, "proxy", "PATRQT"],
  [["clinician"], child, "clinician", "TREAT"],
  [["patient", "proxy"], own, "patient", "PATRQT"],
  [["clinician"], other, "clinician", "TREAT"],
  [["clinician"], own, "clinician", "TREAT"],
  [["clinician", "patient"], own, "patient", "PATRQT"],
  [["clinician", "patient"], other, "clinician", "TREAT"],
  [["clinician", "patient"], "organisation", "clinician", "TREAT"],
  [["clinician", "patient"], null, "clinician", "TREAT"],
  [["privacy-officer"], other, "privacy-officer", "HOPERAT"],
  [["administrator", "patient"], own, "patient", "PATRQT"],
  [["service"], other, "service", "HOPERAT"],
  [[], other, null, "PATRQT"],
] as const)
  test(`as ${roles.join(" and ") || "nobody"}, with data of ${whose === own ? "herself" : whose === child ? "one acted for" : (whose ?? "nobody known")}, one acts as ${role ?? "nobody"} for ${purpose}`, () => {
    assert.deepEqual(actingAs(callerOf(roles), whose), { role, purpose });
  });

test("whoever has a role beside that of a patient is of the workforce", () => {
  assert.ok(!isWorkforce(callerOf(["patient", "proxy"])));
  assert.ok(!isWorkforce(callerOf([])));
  assert.ok(isWorkforce(callerOf(["patient", "security-operator"])));
});
