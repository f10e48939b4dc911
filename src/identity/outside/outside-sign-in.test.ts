import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { openOutside } from "#assembly/outside.ts";
import { limits } from "#core/limits.ts";
import type { OpenOutside } from "#identity/outside/relying-party.ts";
import {
  outsideClient,
  startProvider,
  type OutsideStaff,
  type TestProvider,
} from "#identity/outside/testing-provider.ts";
import { createVisitor } from "#identity/outside/testing-visit.ts";
import {
  createApp,
  readJson,
  readTokens,
  type ProveSelf,
  type TestApp,
} from "#identity/testing-app.ts";
import { createBrowser, pathOf, type TestBrowser } from "#identity/testing-browser.ts";
import { ana, makeAccount, nurse } from "#identity/testing-people.ts";
import { origin, testIdentity, type TestIdentity } from "#identity/testing.ts";

const nia: OutsideStaff = {
  sub: "st-mary|4711",
  name: "Nia Cole",
  email: "nia.cole@st-mary.example",
  amr: ["pwd", "mfa"],
};

const callback = `${origin}/sign-in-with/st-mary/callback`;

interface House {
  readonly identity: TestIdentity;
  readonly op: TestProvider;
  readonly add: (change?: Readonly<Record<string, unknown>>) => Promise<Response>;
}

async function openHouse(t: TestContext, way: OpenOutside = openOutside): Promise<House> {
  const op = await startProvider(callback, nia);
  t.after(() => op.stop());
  const identity = await testIdentity(t, { openOutside: way });
  const add: House["add"] = (change = {}) =>
    identity.operate("/internal/sign-in-with/add", {
      provider: "st-mary",
      label: "St. Mary Hospital",
      issuer: op.issuer,
      clientId: outsideClient.id,
      secret: outsideClient.secret,
      assurance: { kind: "amr", values: ["mfa"] },
      authority: op.authority,
      ...change,
    });
  return { identity, op, add };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Where the sign-in page is sent when its button is pressed. */
async function leave(browser: TestBrowser, uid: string): Promise<string> {
  const answer = await browser.postJson(`/sign-in/${uid}/outside/begin`, { provider: "st-mary" });
  const step = await readJson(answer);
  assert.equal(step["next"], "outside", JSON.stringify(step));
  return text(step["redirectTo"]);
}

const finish = (browser: TestBrowser, uid: string): Promise<Response> =>
  browser.postJson(`/sign-in/${uid}/outside/finish`, {});

/** The whole way: button, the other house, back. Answers what came of it. */
const throughHouse =
  (op: TestProvider, change: (back: URL) => void = () => {}): ProveSelf =>
  async (browser, uid) => {
    const back = new URL(await createVisitor(op).visit(await leave(browser, uid)));
    change(back);
    await browser.get(pathOf(back.href));
    return finish(browser, uid);
  };

async function codeOf(answer: Response): Promise<string> {
  return text((await readJson(answer))["type"]).replace("urn:phylax:problem:", "");
}

async function linkNurse({ identity }: House): Promise<string> {
  const { account } = await makeAccount(identity, nurse);
  const linked = await identity.operate("/internal/sign-in-with/link", {
    provider: "st-mary",
    sub: nia.sub,
    account: nurse.externalId,
  });
  assert.equal(linked.status, 200, await linked.text());
  return account;
}

async function signedIn(app: TestApp, op: TestProvider): Promise<URLSearchParams> {
  return app.signIn(throughHouse(op));
}

suite("staff who sign in at another house", () => {
  test("a linked person comes back signed in, and the log says by whom and how", async (t) => {
    const house = await openHouse(t);
    const added = await readJson(await house.add());
    assert.equal(added["redirectUri"], callback);
    const account = await linkNurse(house);
    const app = createApp(house.identity);
    const uid = await app.open();
    const state = await readJson(await app.browser.get(`/sign-in/${uid}/state`));
    assert.deepEqual(state["outside"], [{ id: "st-mary", label: "St. Mary Hospital" }]);
    assert.equal(state["isBack"], false);
    const answer = await signedIn(app, house.op);
    const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
    const me = await readJson(await app.call("GET", "/api/identity/me", tokens.access));
    assert.equal(me["account"], account);
    const entry = house.identity.log.entries.find(({ action }) => action === "sign-in");
    assert.equal(entry?.actor, account);
    assert.deepEqual(entry?.reasons, ["outside:st-mary", "pwd+mfa"]);
  });

  test("the request carries PKCE, nonce and state, and no secret; the page learns that she is back", async (t) => {
    const house = await openHouse(t);
    await house.add();
    const app = createApp(house.identity);
    const uid = await app.open();
    const address = new URL(await leave(app.browser, uid));
    const asked = address.searchParams;
    assert.equal(address.origin, house.op.issuer);
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.equal(asked.get("redirect_uri"), callback);
    assert.equal(asked.get("prompt"), "login");
    assert.equal(asked.get("max_age"), "300");
    for (const name of ["state", "nonce", "code_challenge"])
      assert.match(asked.get(name) ?? "", /^[\w-]{43}$/, name);
    assert.doesNotMatch(address.href, new RegExp(outsideClient.secret));
    const back = await createVisitor(house.op).visit(address.href);
    const onward = await app.browser.get(pathOf(back));
    assert.equal(onward.headers.get("location"), `${origin}/sign-in/${uid}`);
    const state = await readJson(await app.browser.get(`/sign-in/${uid}/state`));
    assert.equal(state["isBack"], true);
    const cookie = app.browser.setCookies.find((line) => line.startsWith("__Host-phylax-outside"));
    assert.match(cookie ?? "", /Path=\/; Secure; HttpOnly; SameSite=Lax/);
  });

  test("a stranger waits for an approval, which a person gives by the reference", async (t) => {
    const house = await openHouse(t);
    await house.add();
    const { account } = await makeAccount(house.identity, nurse);
    const app = createApp(house.identity);
    const first = await readJson(await throughHouse(house.op)(app.browser, await app.open()));
    assert.equal(first["next"], "approval");
    const reference = text(first["reference"]);
    assert.match(reference, /^[0-9A-HJKMNP-TV-Z]{8}$/);
    const again = await readJson(await throughHouse(house.op)(app.browser, await app.open()));
    assert.equal(again["reference"], reference, "she keeps her reference");
    const list = await readJson(await house.identity.operate("/internal/sign-in-with/list", {}));
    const [waiting] = list["waiting"] as Readonly<Record<string, unknown>>[];
    assert.equal(waiting?.["name"], nia.name);
    assert.equal(waiting?.["email"], nia.email);
    const typed = `${reference.slice(0, 4)} ${reference.slice(4).toLowerCase()}`;
    const approve = () =>
      house.identity.operate("/internal/sign-in-with/link", { reference: typed, account });
    assert.equal((await approve()).status, 200);
    assert.equal(await codeOf(await approve()), "not-found", "a reference serves once");
    assert.ok((await signedIn(app, house.op)).has("code"));
    const denied = house.identity.log.entries.find(({ decision }) => decision === "deny");
    assert.deepEqual(denied?.reasons, ["outside-not-linked"]);
    assert.equal(denied?.actor, null);
  });

  test("the same e-mail address makes nobody the same person", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    house.op.staff = { ...nia, sub: "st-mary|666" };
    const app = createApp(house.identity);
    const step = await readJson(await throughHouse(house.op)(app.browser, await app.open()));
    assert.equal(step["next"], "approval");
  });

  test("no patient's account can be linked", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await makeAccount(house.identity, ana);
    const body = { provider: "st-mary", sub: nia.sub, account: ana.externalId };
    const answer = await house.identity.operate("/internal/sign-in-with/link", body);
    assert.equal(await codeOf(answer), "not-found");
  });

  test("a link that was taken back, or an account that was closed, opens nothing", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    const app = createApp(house.identity);
    await house.identity.db.query("UPDATE identity.account SET status = 'closed'");
    const closed = await throughHouse(house.op)(app.browser, await app.open());
    assert.equal(await codeOf(closed), "sign-in-failed");
    await house.identity.db.query("UPDATE identity.account SET status = 'active'");
    const code = (await signedIn(app, house.op)).get("code") ?? "";
    const { access } = await readTokens(await app.exchange(code));
    assert.equal((await app.call("GET", "/api/identity/me", access)).status, 200);
    const body = { provider: "st-mary", account: nurse.externalId };
    assert.equal((await house.identity.operate("/internal/sign-in-with/unlink", body)).status, 200);
    assert.equal(await codeOf(await app.call("GET", "/api/identity/me", access)), "session-ended");
    const step = await readJson(await throughHouse(house.op)(app.browser, await app.open()));
    assert.equal(step["next"], "approval");
  });

  test("an open sign-in over there is enough where the operator said so, and counts as an old one", async (t) => {
    const house = await openHouse(t);
    await house.add({ sso: true });
    await linkNurse(house);
    const visitor = createVisitor(house.op);
    const forms = (): number =>
      house.op.asked.filter((path) => path.startsWith("/interaction/")).length;
    const come = async (change?: Readonly<Record<string, string>>) => {
      const app = createApp(house.identity);
      const before = forms();
      const answer = await app.signIn(async (browser, uid) => {
        await browser.get(pathOf(await visitor.visit(await leave(browser, uid))));
        return finish(browser, uid);
      }, change);
      const { access } = await readTokens(await app.exchange(answer.get("code") ?? ""));
      const me = await readJson(await app.call("GET", "/api/identity/me", access));
      const countsFrom = Date.parse(text(me["sessionEndsAt"])) - limits.sessionMaxMs;
      return { isAsked: forms() > before, agoMs: Date.now() - countsFrom };
    };
    assert.equal((await come()).isAsked, true);
    const open = await come();
    assert.equal(open.isAsked, false);
    assert.ok(open.agoMs > 300_000, "it must not pass for a fresh sign-in");
    const fresh = await come({ prompt: "login" });
    assert.equal(fresh.isAsked, true);
    assert.ok(fresh.agoMs < 200_000, "a proof made now counts from now");
  });

  test("one factor alone is refused, whichever way the operator asked to see two", async (t) => {
    const house = await openHouse(t);
    await linkOnly(house, { kind: "amr", values: ["mfa", "hwk"] });
    const app = createApp(house.identity);
    const come = async () => throughHouse(house.op)(app.browser, await app.open());
    house.op.staff = { ...nia, amr: ["pwd"] };
    assert.equal(await codeOf(await come()), "outside-not-assured");
    await house.add({ assurance: { kind: "acr", values: ["urn:house:two"] } });
    house.op.staff = { ...nia, acr: "urn:house:one" };
    assert.equal(await codeOf(await come()), "outside-not-assured");
    house.op.staff = { ...nia, acr: "urn:house:two" };
    assert.equal((await readJson(await come()))["next"], "redirect");
    await house.add({ assurance: { kind: "vouched" } });
    house.op.staff = { sub: nia.sub, name: nia.name, email: nia.email };
    assert.equal((await readJson(await come()))["next"], "redirect");
  });
});

async function linkOnly(house: House, assurance: object): Promise<void> {
  await house.add({ assurance });
  await linkNurse(house);
}

suite("attacks on a sign-in at another house", () => {
  test("what another browser began, she cannot be made to end", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    const attacker = createApp(house.identity);
    const uid = await attacker.open();
    const address = await leave(attacker.browser, uid);
    const back = await createVisitor(house.op).visit(address);
    const victim = createBrowser(house.identity);
    const lost = `${origin}/callback?error=outside_sign_in_lost`;
    assert.equal((await victim.get(pathOf(back))).headers.get("location"), lost);
    assert.equal(await codeOf(await finish(attacker.browser, uid)), "outside-refused");
    const other = createApp(house.identity);
    await leave(other.browser, await other.open());
    assert.equal((await other.browser.get(pathOf(back))).headers.get("location"), lost);
  });

  test("an answer serves once, and so does what came of it", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    const app = createApp(house.identity);
    const uid = await app.open();
    const back = await createVisitor(house.op).visit(await leave(app.browser, uid));
    const cookies = app.browser.cookies("/");
    await app.browser.get(pathOf(back));
    const again = await house.identity.send(pathOf(back), { headers: { cookie: cookies } });
    assert.match(again.headers.get("location") ?? "", /outside_sign_in_lost$/);
    assert.equal((await finish(app.browser, uid)).status, 200);
    assert.notEqual((await finish(app.browser, uid)).status, 200);
  });

  const changes: readonly (readonly [string, (back: URL) => void])[] = [
    [
      "another issuer's name (RFC 9207)",
      (back) => back.searchParams.set("iss", "https://evil.example"),
    ],
    ["no issuer's name where one is promised", (back) => back.searchParams.delete("iss")],
    ["a code that was made up", (back) => back.searchParams.set("code", "made-up")],
    [
      "an error of the provider",
      (back) => {
        back.searchParams.delete("code");
        back.searchParams.set("error", "access_denied");
      },
    ],
    [
      "another provider's address",
      (back) => {
        back.pathname = "/sign-in-with/other/callback";
      },
    ],
  ];
  for (const [what, change] of changes)
    test(`an answer with ${what} is refused`, async (t) => {
      const house = await openHouse(t);
      await house.add();
      await linkNurse(house);
      const app = createApp(house.identity);
      const answer = await throughHouse(house.op, change)(app.browser, await app.open());
      assert.equal(await codeOf(answer), "outside-refused");
    });

  test("a code out of another sign-in is refused: its verifier is another", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    const first = createApp(house.identity);
    const stolen = await createVisitor(house.op).visit(
      await leave(first.browser, await first.open()),
    );
    const app = createApp(house.identity);
    const answer = await throughHouse(house.op, (back) => {
      back.searchParams.set("code", new URL(stolen).searchParams.get("code") ?? "");
    })(app.browser, await app.open());
    assert.equal(await codeOf(answer), "outside-refused");
  });

  /** Stands between us and the provider and changes its token answers. */
  const between =
    (change: (token: string) => string): OpenOutside =>
    (authority) => {
      const through = openOutside(authority);
      return async (url, options) => {
        const answer = await through(url, options);
        if (!url.endsWith("/token")) return answer;
        const body = await readJson(answer);
        return Response.json({ ...body, id_token: change(text(body["id_token"])) });
      };
    };

  test("an ID token with another's signature is refused", async (t) => {
    const flip = (token: string): string =>
      token.replace(
        /\.([^.])([^.]*)$/,
        (_whole, first: string, rest: string) => `.${first === "A" ? "B" : "A"}${rest}`,
      );
    const house = await openHouse(t, between(flip));
    await house.add();
    await linkNurse(house);
    const app = createApp(house.identity);
    const answer = await throughHouse(house.op)(app.browser, await app.open());
    assert.equal(await codeOf(answer), "outside-refused");
  });

  test("an ID token of an earlier sign-in is refused: its nonce is another", async (t) => {
    let earlier: string | null = null;
    const replay = (token: string): string => (earlier ??= token);
    const house = await openHouse(t, between(replay));
    await house.add();
    await linkNurse(house);
    const app = createApp(house.identity);
    assert.equal((await throughHouse(house.op)(app.browser, await app.open())).status, 200);
    const other = createApp(house.identity);
    const answer = await throughHouse(house.op)(other.browser, await other.open());
    assert.equal(await codeOf(answer), "outside-refused");
  });

  test("an ID token that nobody signed is refused", async (t) => {
    const unsigned = (token: string): string => {
      const header = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
      return `${header}.${token.split(".")[1] ?? ""}.`;
    };
    const house = await openHouse(t, between(unsigned));
    await house.add();
    await linkNurse(house);
    const app = createApp(house.identity);
    const answer = await throughHouse(house.op)(app.browser, await app.open());
    assert.equal(await codeOf(answer), "outside-refused");
  });
});

suite("a provider that does not answer", () => {
  test("is told as such, and passkeys and passwords still work", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await house.op.stop();
    const app = createApp(house.identity);
    const uid = await app.open();
    const begin = () =>
      app.browser.postJson(`/sign-in/${uid}/outside/begin`, { provider: "st-mary" });
    assert.equal(await codeOf(await begin()), "outside-unavailable");
    assert.equal(await codeOf(await begin()), "outside-unavailable");
    assert.equal((await app.browser.postJson(`/sign-in/${uid}/passkey/options`, {})).status, 200);
    assert.match(house.identity.faults.join("\n"), /outside-sign-in-failed .*st-mary/);
  });

  test("in the midst of a sign-in is told as such", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    const app = createApp(house.identity);
    const uid = await app.open();
    const back = await createVisitor(house.op).visit(await leave(app.browser, uid));
    await house.op.stop();
    await app.browser.get(pathOf(back));
    assert.equal(await codeOf(await finish(app.browser, uid)), "outside-unavailable");
  });

  test("whose certificate the named authority did not sign is not spoken to", async (t) => {
    const house = await openHouse(t);
    await house.add({ authority: null });
    const app = createApp(house.identity);
    const uid = await app.open();
    const answer = await app.browser.postJson(`/sign-in/${uid}/outside/begin`, {
      provider: "st-mary",
    });
    assert.equal(await codeOf(answer), "outside-unavailable");
    assert.deepEqual(house.op.asked, []);
  });
});

suite("an operator's settings of a provider", () => {
  test("are refused by the field that is wrong", async (t) => {
    const { identity, add } = await openHouse(t);
    const wrong = [
      ["provider", { provider: "St Mary" }],
      ["issuer", { issuer: "http://plain.example" }],
      ["issuer", { issuer: "https://user:pass@house.example" }],
      ["secret", { secret: "" }],
      ["signedWith", { signedWith: "HS256" }],
      ["signedWith", { signedWith: "none" }],
      ["assurance", { assurance: { kind: "amr", values: [] } }],
      ["assurance", { assurance: null }],
    ] as const;
    for (const [at, change] of wrong) {
      const answer = await readJson(await add(change));
      assert.equal(answer["at"], at, JSON.stringify(change));
    }
    assert.deepEqual(identity.log.entries, []);
  });

  test("may change, but not turn into another issuer's, and go with their links", async (t) => {
    const house = await openHouse(t);
    await house.add();
    await linkNurse(house);
    assert.equal((await house.add({ label: "Mary" })).status, 200);
    assert.equal(
      await codeOf(await house.add({ issuer: "https://other.example" })),
      "edit-conflict",
    );
    assert.equal(await codeOf(await house.add({ provider: "twin" })), "edit-conflict");
    const removed = await house.identity.operate("/internal/sign-in-with/remove", {
      provider: "st-mary",
    });
    assert.equal(removed.status, 200);
    const list = await readJson(await house.identity.operate("/internal/sign-in-with/list", {}));
    assert.deepEqual(list, { providers: [], waiting: [], linked: [] });
    assert.ok(house.identity.log.entries.every(({ actor }) => actor === "process:operator"));
  });

  test("are nobody's business but an operator's", async (t) => {
    const { identity } = await openHouse(t);
    const answer = await identity.send("/internal/sign-in-with/list", { method: "POST" });
    assert.equal(answer.status, 403);
  });

  test("show the secret to nobody, and keep it sealed", async (t) => {
    const house = await openHouse(t);
    await house.add();
    const list = await house.identity.operate("/internal/sign-in-with/list", {});
    assert.doesNotMatch(await list.text(), new RegExp(outsideClient.secret));
    const [row] = await house.identity.db.query<{ readonly secret: Buffer }>(
      "SELECT secret_sealed AS secret FROM identity.outside_provider",
    );
    assert.ok(row !== undefined && !row.secret.includes(outsideClient.secret));
  });
});
