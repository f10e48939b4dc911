import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { personRoles } from "#core/policy-request.ts";
import { idleMsOf, logOffLimits, usualLogOff } from "#identity/sessions/log-off.ts";
import { readJson, readTokens } from "#identity/testing-app.ts";
import { byPasskey } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import { itemsOf, signedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

suite("automatic log-off", () => {
  test("comes sooner for who sees many records, and soonest on a kiosk", () => {
    assert.equal(idleMsOf(usualLogOff, ["patient"], "browser"), 30 * 60_000);
    assert.equal(idleMsOf(usualLogOff, ["patient", "clinician"], "browser"), 15 * 60_000);
    assert.equal(idleMsOf(usualLogOff, ["patient"], "kiosk"), 2 * 60_000);
  });

  test("never comes later for one role more, nor on a kiosk", () => {
    const roles = fc.uniqueArray(fc.constantFrom(...personRoles), { minLength: 1 });
    const rules = fc.record({
      patientIdleMs: fc.integer({ min: 1, max: logOffLimits.patientIdleMs.most }),
      workforceIdleMs: fc.constant(1),
      kioskIdleMs: fc.integer({ min: 1, max: logOffLimits.kioskIdleMs.most }),
    });
    fc.assert(
      fc.property(roles, fc.constantFrom(...personRoles), rules, (some, role, given) => {
        const before = idleMsOf(given, some, "browser");
        assert.ok(idleMsOf(given, [...some, role], "browser") <= before);
        assert.ok(idleMsOf(given, some, "kiosk") <= before);
      }),
    );
  });

  test("is what the operator set, within its limits", async (t) => {
    const identity = await testIdentity(t, {
      logOff: { ...usualLogOff, patientIdleMs: 5 * 60_000 },
    });
    const person = await signedInPerson(identity, ana);
    assert.equal((await readJson(await person.call("GET", "me")))["idleMs"], 5 * 60_000);
  });

  test("is a kiosk's for everybody who signs in on it, once an administrator said that it is one", async (t) => {
    const identity = await testIdentity(t);
    const admin = await signedInPerson(identity, { ...nurse, roles: ["administrator"] });
    assert.equal((await admin.call("PUT", "account/device", { kind: "kiosk" })).status, 200);
    const person = await signedInPerson(identity, ana);
    const answer = await admin.app.signIn(byPasskey(person.authenticator), { max_age: "0" });
    const tokens = await readTokens(await admin.app.exchange(answer.get("code") ?? ""));
    const me = await admin.app.call("GET", "/api/identity/me", tokens.access);
    assert.equal((await readJson(me))["idleMs"], 2 * 60_000);
    const path = "/api/identity/account/sessions";
    const items = await itemsOf(await admin.app.call("GET", path, tokens.access));
    assert.deepEqual(
      items.map(({ isThis, deviceKind }) => [isThis, deviceKind]),
      [
        [true, "kiosk"],
        [false, "browser"],
      ],
    );
  });

  test("is changed by no one but an administrator, and to nothing unknown", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    assert.equal((await person.call("PUT", "account/device", { kind: "browser" })).status, 403);
    const admin = await signedInPerson(identity, { ...nurse, roles: ["administrator"] });
    assert.equal((await admin.call("PUT", "account/device", { kind: "phone" })).status, 400);
  });
});
