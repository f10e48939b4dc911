import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { administrator, done, redeem } from "#identity/people/testing.ts";
import { enrolBegin } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import { codeOfProblem, signedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const birthDate = "1990-01-02";
const accept = "account/proxies/accept";

/** Ana has invited Nia, who has an account here already. */
async function invited(t: TestContext) {
  const identity = await testIdentity(t);
  const her = await signedInPerson(identity, ana);
  const nia = await signedInPerson(identity, nurse);
  const made = await done(her.call("POST", "account/proxies", { name: "Nia", birthDate }));
  return { identity, her, nia, made, code: String(made["paperCode"]) };
}

type Shown = readonly Readonly<Record<string, unknown>>[];

suite("an invitation to act for somebody", () => {
  test("is taken up by the account that a caregiver has already, which then acts at once", async (t) => {
    const { identity, her, nia, made, code } = await invited(t);
    const { accepted } = await done(nia.call("POST", accept, { code, birthDate }));
    const [grant] = accepted as Shown;
    assert.deepEqual(
      [grant?.["name"], grant?.["kind"], grant?.["patient"], grant?.["state"]],
      ["Ana Lima", "caregiver", "pat-1", "active"],
    );
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.action, entry?.decision, entry?.actor, entry?.resourceId, entry?.reasons],
      ["account-change", "permit", nia.account, made["id"], ["proxy-accepted"]],
    );
    const me = await done(nia.call("GET", "me"));
    assert.deepEqual([me["roles"], me["actsFor"]], [["proxy", "clinician"], ["pat-1"]]);
    const { forMe } = await done(her.call("GET", "account/proxies"));
    assert.deepEqual(
      (forMe as Shown).map(({ name, state }) => [name, state]),
      [["Nia", "active"]],
    );
    const live = await identity.database
      .as("phylax_records")
      .query("SELECT 1 FROM identity.live WHERE account_id = $1 AND acts_for = '{pat-1}'", [
        nia.account,
      ]);
    assert.equal(live.length, 1);
    await done(her.call("DELETE", `account/proxies/${String(grant?.["id"])}`));
    assert.deepEqual((await done(nia.call("GET", "me")))["actsFor"], []);
  });

  test("leaves nothing of the account that was made for it: code and link are dead", async (t) => {
    const { identity, nia, made, code } = await invited(t);
    await done(nia.call("POST", accept, { code, birthDate }));
    assert.equal((await redeem(identity, code, birthDate)).status, 410);
    const token = String(made["enrolPath"]).slice("/enrol#token=".length);
    assert.equal((await enrolBegin(identity, token)).status, 410);
    const again = await nia.call("POST", accept, { code, birthDate });
    assert.equal(await codeOfProblem(again), "enrolment-link-refused");
    const [account] = await identity.db.query("SELECT status FROM identity.account WHERE id = $1", [
      made["id"],
    ]);
    assert.deepEqual(account, { status: "closed" });
  });

  test("needs the right birth date, is slowed, and dies after five wrong ones", async (t) => {
    const { identity, nia, code } = await invited(t);
    for (let day = 10; day < 15; day += 1) {
      const wrong = await nia.call("POST", accept, { code, birthDate: `1990-01-${day}` });
      assert.equal(await codeOfProblem(wrong), "enrolment-link-refused");
    }
    await identity.db.query(
      "UPDATE identity.attempt SET failures = 9, blocked_until = now() + interval '1 hour'",
    );
    assert.equal((await nia.call("POST", accept, { code, birthDate })).status, 429);
    await identity.db.query("DELETE FROM identity.attempt");
    assert.equal((await nia.call("POST", accept, { code, birthDate })).status, 410);
  });

  test("is not for whoever gave it; the code stays good", async (t) => {
    const { identity, her, code } = await invited(t);
    const own = await her.call("POST", accept, { code, birthDate });
    assert.equal(await codeOfProblem(own), "forbidden");
    await done(redeem(identity, code, birthDate));
  });

  test("is no other code: one for a patient's own account still lets that patient in, and her alone", async (t) => {
    const { identity, nia } = await invited(t);
    const admin = await administrator(identity);
    const person = { displayName: "Bo", roles: ["patient"], patients: ["pat-2"], birthDate };
    const { paperCode } = await done(admin.call("POST", "admin/people", person));
    const taken = await nia.call("POST", accept, { code: paperCode, birthDate });
    assert.equal(await codeOfProblem(taken), "forbidden");
    await done(redeem(identity, String(paperCode), birthDate));
    assert.equal((await nia.call("POST", accept, { code: 7, birthDate })).status, 410);
  });

  test("serves one of two who type it at once", async (t) => {
    const { nia, her, identity, code } = await invited(t);
    const other = await signedInPerson(identity, {
      displayName: "Cy",
      roles: ["patient"],
      patients: ["pat-3"],
    });
    const both = await Promise.all(
      [nia, other].map((person) => person.call("POST", accept, { code, birthDate })),
    );
    assert.deepEqual(
      both.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 410],
    );
    const { forMe } = await done(her.call("GET", "account/proxies"));
    assert.equal((forMe as Shown).length, 1);
  });
});
