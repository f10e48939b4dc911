import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { insertAccount } from "#identity/accounts/account-store.ts";
import { hashPassword, passwordCost } from "#identity/password/password.ts";
import { findPassword, insertPassword } from "#identity/password/password-store.ts";
import { testDatabase } from "#storage/testing.ts";

for (const approved of [false, true])
  test(`a hash made ${approved ? "in" : "outside"} FIPS mode comes back as it was stored`, async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    const account = parseAccountId(systemRandom.uuid()) ?? assert.fail();
    const loginBlind = systemRandom.bytes(32);
    await insertAccount(db, {
      id: account,
      externalBlind: null,
      loginBlind,
      displayNameSealed: systemRandom.bytes(40),
      loginSealed: systemRandom.bytes(40),
      roles: ["patient"],
      patients: [],
      practitioner: null,
      createdAt: systemClock.now(),
      kind: "person",
      status: "active",
      departments: [],
      nameBlind: [],
    });
    const made = await hashPassword("correct horse battery", systemRandom, passwordCost(approved));
    await insertPassword(db, account, made);
    assert.deepEqual(await findPassword(db, loginBlind), { account, ...made });
    assert.equal(await findPassword(db, systemRandom.bytes(32)), null);
  });
