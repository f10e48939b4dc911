import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { administrator, done, redeem, tokenOf } from "#identity/people/testing.ts";
import { enrol } from "#identity/testing-passkeys.ts";
import { readJson } from "#identity/testing-app.ts";
import { signInAgain } from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";
import type { TestIdentity } from "#identity/testing.ts";

const birthDate = "1980-02-03";

async function invited(identity: TestIdentity) {
  const admin = await administrator(identity);
  const person = { displayName: "Ana Lima", roles: ["patient"], patients: ["pat-1"], birthDate };
  const made = await done(admin.call("POST", "admin/people", person));
  return { admin, id: String(made["id"]), code: String(made["paperCode"]), made };
}

suite("an invitation on paper", () => {
  test("leads, with the birth date, to a passkey and into the account", async (t) => {
    const identity = await testIdentity(t);
    const { id, code } = await invited(identity);
    assert.match(code, /^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    const typed = code.toLowerCase().replace("-", " ");
    const { enrolPath } = await done(redeem(identity, typed, birthDate));
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.action, entry?.decision, entry?.actor, entry?.reasons],
      ["enrol", "permit", id, ["paper-code"]],
    );
    const her = await signInAgain(identity, id, await enrol(identity, tokenOf(enrolPath)));
    const me = await done(her.call("GET", "me"));
    assert.deepEqual([me["account"], me["patients"], me["actsFor"]], [id, ["pat-1"], []]);
    assert.equal((await redeem(identity, code, birthDate)).status, 410);
  });

  test("is void once its link has let the person in", async (t) => {
    const identity = await testIdentity(t);
    const { code, made } = await invited(identity);
    await enrol(identity, tokenOf(made["enrolPath"]));
    assert.equal((await redeem(identity, code, birthDate)).status, 410);
  });

  test("is refused alike for an unknown code, a wrong birth date, and a code too old", async (t) => {
    const identity = await testIdentity(t);
    const { code } = await invited(identity);
    const refusal = async (...typed: readonly [unknown, unknown?]) => {
      const response = await redeem(identity, ...typed);
      const headers = Object.fromEntries(response.headers);
      const { date: _, "phylax-request-id": __, ...rest } = headers;
      return JSON.stringify([response.status, rest, await readJson(response)]);
    };
    const unknown = await refusal("00000-00000", birthDate);
    assert.match(unknown, /^\[410/);
    assert.equal(await refusal(code, "1980-02-04"), unknown);
    assert.equal(await refusal(code), unknown);
    assert.equal(await refusal("not a code", birthDate), unknown);
    assert.equal(await refusal({ code }, birthDate), unknown);
    await identity.db.query("UPDATE identity.invitation SET expires_at = now()");
    assert.equal(await refusal(code, birthDate), unknown);
  });

  test("is dead after five wrong birth dates, from whatever address they come", async (t) => {
    const identity = await testIdentity(t);
    const { code } = await invited(identity);
    for (let day = 10; day < 15; day += 1)
      assert.equal((await redeem(identity, code, `1980-02-${day}`)).status, 410);
    // As if the guesser had waited out every delay.
    await identity.db.query("DELETE FROM identity.attempt");
    assert.equal((await redeem(identity, code, birthDate)).status, 410);
  });

  test("makes whoever guesses wait", async (t) => {
    const identity = await testIdentity(t);
    await invited(identity);
    const statuses: number[] = [];
    for (let guess = 0; guess < 8; guess += 1)
      statuses.push((await redeem(identity, "ABCDE-FGHJK", birthDate)).status);
    assert.deepEqual(statuses, [410, 410, 410, 410, 410, 410, 429, 429]);
    const waiting = await redeem(identity, "ABCDE-FGHJK", birthDate);
    assert.ok(Number(waiting.headers.get("retry-after")) >= 1);
  });

  test("serves one of those who use it at once", async (t) => {
    const identity = await testIdentity(t);
    const { code } = await invited(identity);
    const both = await Promise.all([1, 2].map(() => redeem(identity, code, birthDate)));
    assert.deepEqual(
      both.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 410],
    );
    const links = await identity.db.query("SELECT 1 FROM identity.enrolment WHERE used_at IS NULL");
    assert.equal(links.length, 1);
  });

  test("ends the older ones, and nothing of it lies readable in the database", async (t) => {
    const identity = await testIdentity(t);
    const { admin, id, code } = await invited(identity);
    const newer = await done(admin.call("POST", `admin/people/${id}/invitation`, { birthDate }));
    assert.equal((await redeem(identity, code, birthDate)).status, 410);
    const stored = JSON.stringify(
      await identity.db.query(
        "SELECT encode(code_blind, 'escape') AS code, encode(fact_blind, 'escape') AS fact FROM identity.invitation",
      ),
    );
    const plain = String(newer["paperCode"]).replace("-", "");
    assert.ok(!stored.includes(plain) && !stored.includes(birthDate));
    await done(redeem(identity, newer["paperCode"], birthDate));
  });
});
