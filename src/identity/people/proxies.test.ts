import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { laterBy, systemClock, type Clock, type Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { createFindAccount } from "#identity/accounts/account.ts";
import { createBlind } from "#identity/blind.ts";
import { birthdayBegins, parseBirthDate } from "#identity/people/birth-date.ts";
import { parseGrant, storeGrant } from "#identity/people/granting.ts";
import { administrator, done, redeem, tokenOf } from "#identity/people/testing.ts";
import { usualLogOff } from "#identity/sessions/log-off.ts";
import { createSessions } from "#identity/sessions/session.ts";
import { enrol, enrolBegin } from "#identity/testing-passkeys.ts";
import { ana, makeAccount, nurse } from "#identity/testing-people.ts";
import { codeOfProblem, signInAgain, signedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";
import { sealText } from "#identity/sealed.ts";
import { createSealer } from "#vault/sealer.ts";
import { systemRun } from "#vault/run-watch.ts";

const helper = { name: "Bo Carer", birthDate: "1975-06-07" };

type Told = { readonly acts_for: readonly string[]; readonly acts_for_until: readonly bigint[] };

/** What the records process is told of the account's live sessions. */
const toldOf = (identity: TestIdentity, account: string): Promise<readonly Told[]> =>
  identity.database
    .as("phylax_records")
    .query<Told>(
      "SELECT acts_for, acts_for_until FROM identity.live WHERE account_id = $1 AND NOT ended",
      [account],
    );

suite("a caregiver with the patient's grant", () => {
  test("comes by invitation, acts for the patient, and is cut off when she ends it", async (t) => {
    const identity = await testIdentity(t);
    const her = await signedInPerson(identity, ana);
    const made = await done(her.call("POST", "account/proxies", helper));
    const waiting = await done(her.call("GET", "account/proxies"));
    const [invited] = waiting["forMe"] as readonly Record<string, unknown>[];
    assert.deepEqual(
      [invited?.["name"], invited?.["kind"], invited?.["state"], invited?.["endsAt"]],
      ["Bo Carer", "caregiver", "invited", null],
    );
    const { enrolPath } = await done(redeem(identity, made["paperCode"], helper.birthDate));
    const bo = await signInAgain(
      identity,
      String(made["id"]),
      await enrol(identity, tokenOf(enrolPath)),
    );
    const me = await done(bo.call("GET", "me"));
    assert.deepEqual(
      [me["roles"], me["patients"], me["actsFor"]],
      [["proxy"], ["pat-1"], ["pat-1"]],
    );
    assert.deepEqual(
      (await toldOf(identity, bo.account)).map(({ acts_for }) => acts_for),
      [["pat-1"]],
    );
    const [byBo] = (await done(bo.call("GET", "account/proxies")))["byMe"] as readonly Record<
      string,
      unknown
    >[];
    assert.deepEqual([byBo?.["name"], byBo?.["state"]], ["Ana Lima", "active"]);

    await done(her.call("DELETE", `account/proxies/${String(byBo?.["id"])}`));
    assert.deepEqual(
      (await toldOf(identity, bo.account)).map(({ acts_for }) => acts_for),
      [[]],
    );
    assert.deepEqual((await done(bo.call("GET", "me")))["patients"], []);
    assert.deepEqual((await done(her.call("GET", "account/proxies")))["forMe"], []);
  });

  test("may lay the grant down herself; a stranger cannot end it, nor tell that it is there", async (t) => {
    const identity = await testIdentity(t);
    const her = await signedInPerson(identity, ana);
    const made = await done(her.call("POST", "account/proxies", helper));
    const bo = await signInAgain(
      identity,
      String(made["id"]),
      await enrol(identity, tokenOf(made["enrolPath"])),
    );
    const [grant] = (await done(bo.call("GET", "account/proxies")))["byMe"] as readonly Record<
      string,
      unknown
    >[];
    const path = `account/proxies/${String(grant?.["id"])}`;
    const stranger = await signedInPerson(identity, nurse);
    assert.equal((await stranger.call("DELETE", path)).status, 404);
    await done(bo.call("DELETE", path));
    assert.equal((await bo.call("DELETE", path)).status, 404);
  });

  test("who never came finds the door shut once the grant is ended", async (t) => {
    const identity = await testIdentity(t);
    const her = await signedInPerson(identity, ana);
    const made = await done(her.call("POST", "account/proxies", helper));
    const [grant] = (await done(her.call("GET", "account/proxies")))["forMe"] as readonly Record<
      string,
      unknown
    >[];
    await done(her.call("DELETE", `account/proxies/${String(grant?.["id"])}`));
    assert.equal((await enrolBegin(identity, tokenOf(made["enrolPath"]))).status, 410);
    assert.equal((await redeem(identity, made["paperCode"], helper.birthDate)).status, 410);
  });

  test("who is more than that keeps the account when a patient ends the grant", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const her = await signedInPerson(identity, ana);
    const bo = { displayName: "Bo Carer", roles: ["clinician"], birthDate: helper.birthDate };
    const made = await done(admin.call("POST", "admin/people", bo));
    const path = `admin/people/${String(made["id"])}`;
    const guardian = { patient: "pat-1", basis: "representative", evidence: "letter" };
    const granted = await done(admin.call("POST", `${path}/grants`, guardian));
    const [grant] = granted["actsFor"] as readonly Record<string, unknown>[];
    await done(her.call("DELETE", `account/proxies/${String(grant?.["id"])}`));
    assert.equal((await done(admin.call("GET", path)))["status"], "active");
    await done(redeem(identity, made["paperCode"], helper.birthDate));
  });

  test("cannot be let in by somebody without a record of her own, nor by one who acts for another", async (t) => {
    const identity = await testIdentity(t);
    const nia = await signedInPerson(identity, nurse);
    assert.equal(
      await codeOfProblem(await nia.call("POST", "account/proxies", helper)),
      "forbidden",
    );
    const her = await signedInPerson(identity, ana);
    for (const [field, wrong] of [
      ["name", ""],
      ["birthDate", "soon"],
      ["until", "2020-01-01"],
      ["until", "2999-02-30"],
    ] as const)
      assert.equal(
        (await her.call("POST", "account/proxies", { ...helper, [field]: wrong })).status,
        400,
      );
  });

  test("acts no longer than the patient said", async (t) => {
    const identity = await testIdentity(t);
    const her = await signedInPerson(identity, ana);
    const until = new Date(systemClock.now() + 24 * 60 * 60_000).toISOString().slice(0, 10);
    const made = await done(her.call("POST", "account/proxies", { ...helper, until }));
    const bo = await signInAgain(
      identity,
      String(made["id"]),
      await enrol(identity, tokenOf(made["enrolPath"])),
    );
    await identity.db.query(
      "UPDATE identity.proxy_grant SET ends_at = now() - interval '1 second'",
    );
    const later = await signInAgain(identity, bo.account, bo.authenticator);
    assert.deepEqual((await done(later.call("GET", "me")))["patients"], []);
  });
});

suite("a grant that begins later", () => {
  test("is told to the session that is there, and holds from its hour on", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const her = await signedInPerson(identity, ana);
    const startsAt = new Date(systemClock.now() + 60 * 60_000).toISOString();
    const paper = { patient: "lu", basis: "representative", evidence: "letter", startsAt };
    const shown = await done(admin.call("POST", `admin/people/${her.account}/grants`, paper));
    const [grant] = shown["actsFor"] as readonly Record<string, unknown>[];
    assert.equal(grant?.["state"], "to-come");
    assert.deepEqual((await done(her.call("GET", "me")))["actsFor"], []);
    const [told] = await identity.database
      .as("phylax_records")
      .query<{ acts_for: readonly string[]; acts_for_from: readonly bigint[] }>(
        "SELECT acts_for, acts_for_from FROM identity.live WHERE account_id = $1 AND NOT ended",
        [her.account],
      );
    assert.deepEqual(told, { acts_for: ["lu"], acts_for_from: [BigInt(Date.parse(startsAt))] });
    // As if the hour had passed.
    await identity.db.query(
      "UPDATE identity.session SET acts_for_from = '{0}' WHERE cardinality(acts_for) = 1",
    );
    assert.deepEqual((await done(her.call("GET", "me")))["actsFor"], ["lu"]);
  });
});

suite("a parent of a minor", () => {
  const child = {
    patient: "mateo",
    basis: "parent",
    birthDate: "2017-01-20",
    patientName: "Mateo",
  };

  test("is let act by an administrator, in sessions that go on, too", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const her = await signedInPerson(identity, ana);
    const path = `admin/people/${her.account}/grants`;
    const shown = await done(admin.call("POST", path, child));
    const [grant] = shown["actsFor"] as readonly Record<string, unknown>[];
    assert.equal(grant?.["endsAt"], "2035-01-19T10:00:00.000Z");
    const me = await done(her.call("GET", "me"));
    assert.deepEqual(
      [me["roles"], me["patients"], me["actsFor"]],
      [["patient", "proxy"], ["pat-1", "mateo"], ["mateo"]],
    );
    const stored = JSON.stringify(
      await identity.db.query(
        "SELECT patient, starts_at, ends_at, encode(sealed, 'escape') AS sealed FROM identity.proxy_grant",
      ),
    );
    assert.doesNotMatch(stored, /2017|2035|Mateo|parent/);
    await done(admin.call("DELETE", `admin/grants/${String(grant?.["id"])}`));
    assert.deepEqual((await done(her.call("GET", "me")))["actsFor"], []);
    for (const wrong of [
      { ...child, birthDate: undefined },
      { ...child, basis: "aunt" },
      { ...child, patient: "a b" },
    ])
      assert.equal((await admin.call("POST", path, wrong)).status, 400);
    const guardian = { patient: "mateo", basis: "representative" };
    assert.equal((await admin.call("POST", path, guardian)).status, 400);
    await done(admin.call("POST", path, { ...guardian, evidence: "Letters of guardianship" }));
  });

  /** Sessions by a clock that is moved, for a mother whose child was born on the day. */
  async function motherOf(identity: TestIdentity, birth: string) {
    const { account } = await makeAccount(identity, ana);
    const id: AccountId = parseAccountId(account) ?? assert.fail();
    const { db } = identity;
    const sealer = createSealer({ key: Buffer.alloc(32, 7), random: systemRandom, ...systemRun });
    const name = sealText(sealer, `account-name:${id}`, "Ana");
    await db.query(
      "UPDATE identity.account SET roles = '{patient,proxy}', display_name_sealed = $2 WHERE id = $1",
      [id, name],
    );
    const born = parseBirthDate(birth, systemClock.now()) ?? assert.fail();
    const moved = { at: systemClock.now() };
    const clock: Clock = { now: () => moved.at, monotonicMs: () => moved.at };
    const grant = parseGrant({ ...child, birthDate: birth }, systemClock.now());
    assert.ok(grant.ok);
    const longAgo = laterBy(birthdayBegins(born, 18), -365 * 24 * 60 * 60_000);
    await db.transaction((tx) =>
      storeGrant(tx, { sealer, random: systemRandom }, { ...grant.value, proxy: id }, longAgo),
    );
    const sessions = createSessions({
      db,
      sealer,
      clock,
      random: systemRandom,
      blind: createBlind(Buffer.alloc(32)),
      parentEndsAtAge: 18,
      logOff: usualLogOff,
    });
    const findAccount = createFindAccount(db, sealer, clock);
    const seen = { deviceName: null, address: null, zone: null };
    const signInAt = async (at: Instant) => {
      moved.at = at;
      const mother = (await findAccount(id)) ?? assert.fail();
      const login = { browserUid: systemRandom.uuid(), at };
      const use = {
        jkt: systemRandom.uuid(),
        level: 1,
        span: "sign-in",
        client: "phylax-portal",
        grant: "g",
        seen,
      } as const;
      const begun = (await sessions.begin(login, mother, use)) ?? assert.fail();
      const rows = await db.query<Told>(
        "SELECT acts_for, acts_for_until FROM identity.session WHERE id = $1",
        [begun.session],
      );
      return rows[0] ?? assert.fail();
    };
    return { signInAt, ofAge: birthdayBegins(born, 18) };
  }

  test("acts until the 18th birthday begins anywhere on Earth, and in no session after it", async (t) => {
    const identity = await testIdentity(t);
    const { signInAt, ofAge } = await motherOf(identity, "2008-03-01");
    const long = await signInAt(laterBy(ofAge, -30 * 24 * 60 * 60_000));
    assert.deepEqual(long.acts_for, ["mateo"]);
    assert.ok((long.acts_for_until[0] ?? 0n) < BigInt(ofAge), "no birthday is told long before");
    const eve = await signInAt(laterBy(ofAge, -60_000));
    assert.deepEqual([eve.acts_for, eve.acts_for_until], [["mateo"], [BigInt(ofAge)]]);
    for (const afterMs of [0, 1, 60_000, 24 * 60 * 60_000])
      assert.deepEqual((await signInAt(laterBy(ofAge, afterMs))).acts_for, []);
  });

  test("is not helped by a clock that is a minute slow or fast where it is still the day before", async (t) => {
    const identity = await testIdentity(t);
    const { signInAt, ofAge } = await motherOf(identity, "2008-03-01");
    // Midnight of the birthday in Honolulu, the last of the States: hours after the end.
    const honolulu = laterBy(ofAge, 24 * 60 * 60_000);
    for (const skewMs of [-60_000, 0, 60_000])
      assert.deepEqual((await signInAt(laterBy(honolulu, skewMs))).acts_for, []);
  });
});
