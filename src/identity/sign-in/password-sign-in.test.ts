import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { claimsOf, createApp, readJson, readTokens } from "#identity/testing-app.ts";
import {
  ana,
  asAna,
  byPassword,
  codeOf,
  makeAccount,
  nurse,
  type PasswordSelf,
} from "#identity/testing-people.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const right = (): PasswordSelf => ({ ...ana, code: codeOf(ana.totpSeed) });

/** Tries once on a fresh sign-in page; answers the response to the code. */
async function tryOnce(identity: TestIdentity, self: PasswordSelf): Promise<Response> {
  const app = createApp(identity);
  return byPassword(self)(app.browser, await app.open());
}

const sinceDenied = async (response: Response) => ({
  status: response.status,
  body: await response.json(),
  headers: [...response.headers.keys()].filter((name) => name !== "phylax-request-id"),
});

suite("signing in with password and code", () => {
  test("leads to tokens of the account", async (t) => {
    const identity = await testIdentity(t);
    const { account } = await makeAccount(identity, ana);
    await makeAccount(identity, nurse);
    const app = createApp(identity);
    const answer = await app.signIn(asAna());
    const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
    assert.equal(claimsOf(tokens.access)["sub"], account);
    const entry = identity.log.entries.find(({ action }) => action === "sign-in");
    assert.deepEqual(entry?.reasons, ["pwd+otp"]);
  });

  test("takes the user name in any case and form, and the code with spaces", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const code = codeOf(ana.totpSeed);
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    const response = await tryOnce(identity, { ...ana, login: " ANA.Lima ", code: spaced });
    assert.equal(response.status, 200);
  });

  test("answers the password step alike, right or wrong or of nobody", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const tries = [
      { login: ana.login, password: ana.password },
      { login: ana.login, password: "wrong password, long enough" },
      { login: "nobody.at.all", password: ana.password },
    ];
    const entries = identity.log.entries.length;
    for (const body of tries) {
      const app = createApp(identity);
      const response = await app.browser.postJson(`/sign-in/${await app.open()}/password`, body);
      assert.equal(response.status, 200);
      assert.deepEqual(await readJson(response), { next: "totp" });
    }
    assert.equal(identity.log.entries.length, entries);
  });

  test("refuses a wrong password, a wrong code and an unknown name in one and the same way", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const wrongs = [
      { ...right(), password: "wrong password, long enough" },
      { ...right(), code: "000000" },
      { ...right(), login: "nobody.at.all" },
      { login: "nobody.at.all", password: "nothing is right here", code: "000000" },
      { ...right(), code: "not a code" },
    ];
    const answers = [];
    for (const wrong of wrongs) answers.push(await sinceDenied(await tryOnce(identity, wrong)));
    for (const given of answers) assert.deepEqual(given, answers[0]);
    assert.equal(answers[0]?.status, 401);
    const denied = identity.log.entries.filter(({ decision }) => decision === "deny");
    assert.equal(denied.length, wrongs.length);
    assert.ok(
      denied.every(({ actor, reasons }) => actor === null && reasons[0] === "sign-in-failed"),
    );
  });

  test("takes as long for an unknown name as for a wrong password", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const timeOf = async (login: string): Promise<number> => {
      const app = createApp(identity);
      const uid = await app.open();
      const start = performance.now();
      await app.browser.postJson(`/sign-in/${uid}/password`, {
        login,
        password: "wrong, but long",
      });
      return performance.now() - start;
    };
    const fastest = async (login: string): Promise<number> =>
      Math.min(await timeOf(login), await timeOf(login), await timeOf(login));
    const [known, unknown] = [await fastest(ana.login), await fastest("nobody.at.all")];
    // The hash takes most of the time by far; without it, nobody's answer would come ten times sooner.
    assert.ok(unknown > known / 2 && known > unknown / 2, `${known} ms and ${unknown} ms`);
  });

  test("a code serves once, even within its time", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const self = right();
    assert.equal((await tryOnce(identity, self)).status, 200);
    assert.equal((await tryOnce(identity, self)).status, 401);
    // One step back was still open before; it is not after a newer code was used.
    assert.equal((await tryOnce(identity, { ...ana, code: codeOf(ana.totpSeed, -1) })).status, 401);
    assert.equal((await tryOnce(identity, { ...ana, code: codeOf(ana.totpSeed, 1) })).status, 200);
  });

  test("of one code shown twice at once, one gets in", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const self = right();
    const both = await Promise.all([tryOnce(identity, self), tryOnce(identity, self)]);
    assert.equal(both.filter(({ status }) => status === 200).length, 1);
  });

  test("a code of two steps away is refused", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    for (const steps of [-3, 3]) {
      const response = await tryOnce(identity, { ...ana, code: codeOf(ana.totpSeed, steps) });
      assert.equal(response.status, 401);
    }
  });

  test("each code needs the password anew, and none is taken without", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const app = createApp(identity);
    const uid = await app.open();
    const code = () => app.browser.postJson(`/sign-in/${uid}/totp`, { code: codeOf(ana.totpSeed) });
    assert.equal((await code()).status, 401);
    await app.browser.postJson(`/sign-in/${uid}/password`, ana);
    assert.equal(
      (await app.browser.postJson(`/sign-in/${uid}/totp`, { code: "000000" })).status,
      401,
    );
    assert.equal((await code()).status, 401, "the password was used up by the wrong code");
    await app.browser.postJson(`/sign-in/${uid}/password`, ana);
    assert.equal((await code()).status, 200);
  });

  test("the code must come within five minutes of the password", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const app = createApp(identity);
    const uid = await app.open();
    await app.browser.postJson(`/sign-in/${uid}/password`, ana);
    await identity.db.query(
      "UPDATE identity.sign_in SET password_ends_at = password_ends_at - interval '5 minutes'",
    );
    const late = await app.browser.postJson(`/sign-in/${uid}/totp`, { code: codeOf(ana.totpSeed) });
    assert.equal(late.status, 401);
  });

  test("an account without a password cannot sign in by one", async (t) => {
    const identity = await testIdentity(t);
    const { login, password, totpSeed, ...bare } = ana;
    await makeAccount(identity, bare);
    const response = await tryOnce(identity, { login, password, code: codeOf(totpSeed) });
    assert.equal(response.status, 401);
  });

  test("a closed account is refused like an unknown one", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    await identity.db.query("UPDATE identity.account SET status = 'closed'");
    assert.equal((await tryOnce(identity, right())).status, 401);
  });

  test("a body that is not a name and a password is refused", async (t) => {
    const identity = await testIdentity(t);
    const app = createApp(identity);
    const uid = await app.open();
    for (const body of [
      {},
      { login: "a" },
      { login: 7, password: "x" },
      { login: "", password: "x" },
    ]) {
      const response = await app.browser.postJson(`/sign-in/${uid}/password`, body);
      assert.equal(response.status, 400);
    }
    const long = { login: "a", password: "x".repeat(201) };
    assert.equal((await app.browser.postJson(`/sign-in/${uid}/password`, long)).status, 400);
  });
});

/** Makes the delays that were begun last, however slow the machine: they are of seconds. */
async function holdBlocks({ db }: TestIdentity): Promise<void> {
  await db.query(
    `UPDATE identity.attempt SET blocked_until = blocked_until + interval '1 minute'
      WHERE blocked_until > forgotten_at - interval '24 hours'`,
  );
}

suite("guessing passwords", () => {
  test("meets a growing delay for the user name, whoever and wherever guesses, and is logged", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    for (const login of [ana.login, "nobody.at.all"]) {
      const guess = async (): Promise<Response> => {
        const app = createApp(identity);
        const body = { login, password: "a wrong guess" };
        return app.browser.postJson(`/sign-in/${await app.open()}/password`, body);
      };
      const statuses = [];
      for (let count = 0; count < 6; count += 1) statuses.push((await guess()).status);
      assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200]);
      await holdBlocks(identity);
      const blocked = await guess();
      assert.equal(blocked.status, 429, login);
      assert.ok(Number(blocked.headers.get("retry-after")) >= 1);
      assert.equal((await readJson(blocked))["type"], "urn:phylax:problem:rate-limited");
      assert.deepEqual(identity.log.entries.at(-1)?.reasons, ["rate-limited"]);
    }
  });

  test("the right password is not let through while the name is blocked", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    for (let count = 0; count < 6; count += 1)
      await tryOnce(identity, { ...right(), password: "a wrong guess" });
    await holdBlocks(identity);
    const app = createApp(identity);
    const uid = await app.open();
    assert.equal((await app.browser.postJson(`/sign-in/${uid}/password`, ana)).status, 429);
    await identity.db.query("UPDATE identity.attempt SET blocked_until = now()");
    assert.equal((await tryOnce(identity, right())).status, 200);
  });

  test("is forgotten once the person proved herself", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    for (let count = 0; count < 4; count += 1)
      await tryOnce(identity, { ...right(), password: "a wrong guess" });
    assert.equal((await tryOnce(identity, right())).status, 200);
    const left = await identity.db.query<{ failures: number }>(
      "SELECT failures FROM identity.attempt",
    );
    assert.deepEqual(left, [{ failures: 4 }], "only the address's failures are left");
  });
});
