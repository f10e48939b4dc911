import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { laterBy, systemClock } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import { endAppGrant } from "#identity/apps/grant-store.ts";
import { decideClient, endSessionsOfClient } from "#identity/clients/client-store.ts";
import { parseClientId } from "#identity/clients/client.ts";
import { identityLimits } from "#identity/limits.ts";
import { administrator } from "#identity/people/testing.ts";
import { claimsOf, createApp, readJson, readTokens, type Tokens } from "#identity/testing-app.ts";
import { ana, asAna, codeOf, byPassword, makeAccount, nurse } from "#identity/testing-people.ts";
import {
  appHome,
  createSmartApp,
  registerApp,
  type Chosen,
  type SmartTestApp,
} from "#identity/testing-smart-app.ts";
import { codeOfProblem, signedInPerson } from "#identity/testing-signed-in.ts";
import { origin, testIdentity, type TestIdentity } from "#identity/testing.ts";
import type { Queryable } from "#storage/database.ts";

const mother = { ...ana, roles: ["patient", "proxy"], patients: ["pat-1", "child"] };

const standalone = "openid fhirUser launch/patient patient/*.rs";

interface Opened {
  readonly identity: TestIdentity;
  readonly app: SmartTestApp;
  readonly client: string;
}

async function opened(
  t: Parameters<typeof testIdentity>[0],
  wish: object = {},
  person: object = mother,
): Promise<Opened> {
  const identity = await testIdentity(t);
  await makeAccount(identity, person);
  const client = await registerApp(identity, wish);
  const dpop = !("binding" in wish);
  return { identity, client, app: createSmartApp(identity, client, { dpop }) };
}

/** From the first request to the tokens. */
async function launched(
  app: SmartTestApp,
  scope: string,
  chosen: Chosen = { patient: "child" },
): Promise<Tokens> {
  const at = await app.signIn(await app.ask(scope), asAna());
  const back = await app.allow(at, chosen);
  return readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
}

suite("an app that a person lets in", () => {
  test("is told whose record it was given, in its token too, and what it may", async (t) => {
    const { app, identity, client } = await opened(t);
    const asked = await app.ask(standalone);
    assert.match(asked.pathname, /^\/sign-in\//);
    const consent = await app.signIn(asked, asAna());
    assert.match(consent.pathname, /^\/consent\//);
    const offer = await app.offer(consent);
    assert.deepEqual(offer["patient"], {
      kind: "pick",
      patients: [
        { id: "pat-1", name: "Ana Lima" },
        { id: "child", name: null },
      ],
    });
    assert.equal(offer["days"], null);
    const back = await app.allow(consent, { patient: "child" });
    assert.equal(back.origin + back.pathname, `${appHome}/back`);
    assert.equal(back.searchParams.get("iss"), origin);
    const tokens = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    assert.equal(tokens.body["patient"], "child");
    assert.equal(tokens.body["scope"], standalone);
    assert.equal(tokens.body["token_type"], "DPoP");
    assert.equal(tokens.refresh, "", "who does not ask to stay gets no refresh token");
    const claims = claimsOf(tokens.access);
    assert.deepEqual([claims["patient"], claims["client_id"]], ["child", client]);
    assert.equal(claims["scope"], "patient/*.rs");
    assert.equal(claimsOf(tokens.id)["fhirUser"], `${origin}/fhir/Patient/pat-1`);
    const allowed = identity.log.entries.find(({ reasons }) => reasons.includes("app-allowed"));
    assert.deepEqual([allowed?.client, allowed?.decision], [client, "permit"]);
    assert.deepEqual(identity.faults, []);
  });

  test("is offered a person for whom she acts by the name that she was granted under", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const her = await signedInPerson(identity, ana);
    const grant = { patient: "mateo", basis: "parent", birthDate: "2017-01-20" };
    const path = `admin/people/${her.account}/grants`;
    assert.equal((await admin.call("POST", path, { ...grant, patientName: "Mateo" })).status, 200);
    const app = createSmartApp(identity, await registerApp(identity), { browser: her.app.browser });
    const offer = await app.offer(await app.ask(standalone));
    assert.deepEqual(offer["patient"], {
      kind: "pick",
      patients: [
        { id: "pat-1", name: "Ana Lima" },
        { id: "mateo", name: "Mateo" },
      ],
    });
  });

  test("gets of what it asked for only what the person leaves and the operator allows", async (t) => {
    const { app } = await opened(t, {
      scopes: ["openid", "fhirUser", "launch/patient", "patient/Observation.rs", "patient/Goal.rs"],
    });
    const scope =
      "openid fhirUser launch/patient patient/*.cruds patient/Observation.rs?category=laboratory patient/Goal.r system/*.rs";
    const at = await app.signIn(await app.ask(scope), asAna());
    const offered = (await app.offer(at))["scopes"] as { scope: string }[];
    assert.deepEqual(
      offered.map((one) => one.scope),
      [
        "openid",
        "fhirUser",
        "launch/patient",
        "patient/Observation.rs?category=laboratory",
        "patient/Goal.r",
      ],
    );
    const scopes = ["patient/Observation.rs?category=laboratory"];
    const back = await app.allow(at, { scopes, patient: "pat-1" });
    const tokens = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    assert.equal(tokens.body["scope"], `openid launch/patient ${scopes[0]}`);
    assert.equal(claimsOf(tokens.access)["scope"], scopes[0]);
  });

  test("is refused what was not offered, and another's patient", async (t) => {
    const { app } = await opened(t);
    const at = await app.signIn(await app.ask(standalone), asAna());
    const path = `${at.pathname}/answer`;
    for (const answer of [
      { allow: true, scopes: ["openid", "user/*.rs"], patient: "child" },
      { allow: true, scopes: ["openid"], patient: "another" },
      { allow: true, scopes: ["openid"], patient: null },
      { allow: true, patient: "child" },
      { allow: "yes" },
    ]) {
      const response = await app.browser.postJson(path, answer);
      assert.equal(response.status, 400, JSON.stringify(answer));
    }
  });

  test("is told when the person says no", async (t) => {
    const { app, identity } = await opened(t);
    const at = await app.signIn(await app.ask(standalone), asAna());
    const back = await app.consent(at, { allow: false });
    assert.equal(back.origin, appHome);
    assert.equal(back.searchParams.get("error"), "access_denied");
    assert.ok(identity.log.entries.some(({ reasons }) => reasons.includes("app-refused")));
  });

  test("asks anew at each launch, and is never let in without being seen", async (t) => {
    const { app } = await opened(t);
    await launched(app, standalone);
    const again = await app.ask(standalone);
    assert.match(again.pathname, /^\/consent\//);
    const silent = await app.ask(standalone, { prompt: "none" });
    assert.equal(silent.searchParams.get("error"), "consent_required");
  });

  test("cannot be answered for by another browser, or once it was answered", async (t) => {
    const { app, identity, client } = await opened(t);
    const at = await app.signIn(await app.ask(standalone), asAna());
    const stranger = createSmartApp(identity, client);
    const path = `${at.pathname}/answer`;
    assert.equal((await stranger.browser.postJson(path, { allow: false })).status, 410);
    await app.allow(at, { patient: "child" });
    assert.equal((await app.browser.postJson(path, { allow: false })).status, 410);
  });

  test("may not touch the person's account, by whatever it was let see", async (t) => {
    const administrator = { ...mother, roles: [...mother.roles, "administrator"] };
    const { app } = await opened(t, {}, administrator);
    const { access } = await launched(app, `${standalone} user/*.rs`);
    for (const [method, tail] of [
      ["GET", "me"],
      ["POST", "sign-out"],
      ["PATCH", "account"],
      ["GET", "account/passkeys"],
      ["POST", "account/passkeys/options"],
      ["GET", "account/apps"],
      ["POST", "account/recovery-codes"],
      ["POST", "account/proxies"],
      ["GET", "admin/apps"],
      ["POST", "admin/people/search"],
    ] as const) {
      const refused = await app.call(method, `/api/identity/${tail}`, access);
      assert.equal(await codeOfProblem(refused), "forbidden", tail);
    }
  });

  test("is let work for months only by a person who proved herself just now", async (t) => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => laterBy(systemClock.now(), aheadMs) };
    const identity = await testIdentity(t, { clock });
    await makeAccount(identity, mother);
    const app = createSmartApp(identity, await registerApp(identity));
    const lasting = `${standalone} offline_access`;
    await app.signIn(await app.ask(standalone), asAna());
    assert.match((await app.ask(lasting, { prompt: "consent" })).pathname, /^\/consent\//);
    aheadMs = identityLimits.freshSignInMs + 2_000;
    assert.match((await app.ask(standalone)).pathname, /^\/consent\//);
    const at = await app.ask(lasting, { prompt: "consent" });
    assert.match(at.pathname, /^\/sign-in\//);
    const again = await app.signIn(at, asAna(aheadMs / 30_000));
    assert.match(again.pathname, /^\/consent\//);
    const back = await app.allow(again, { patient: "child" });
    assert.ok(back.searchParams.has("code"), back.href);
  });
});

suite("an app that stays", () => {
  test("while the person is signed in ends with her signing out", async (t) => {
    const { identity, client } = await opened(t);
    const portal = createApp(identity);
    const signedIn = await portal.signIn(asAna());
    const own = await readTokens(await portal.exchange(signedIn.get("code") ?? ""));
    const app = createSmartApp(identity, client, { browser: portal.browser });
    const at = await app.ask(`${standalone} online_access`);
    const back = await app.allow(at, { patient: "child" });
    const first = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    const second = await readTokens(await app.refresh(first.refresh));
    assert.equal(second.body["patient"], "child");
    assert.equal((await portal.call("POST", "/api/identity/sign-out", own.access)).status, 200);
    assert.equal((await app.refresh(second.refresh)).status, 400);
  });

  test("while she is away outlasts her signing out, with a key that rotates", async (t) => {
    const { identity, client } = await opened(t);
    const portal = createApp(identity);
    const signedIn = await portal.signIn(asAna());
    const own = await readTokens(await portal.exchange(signedIn.get("code") ?? ""));
    const app = createSmartApp(identity, client, { browser: portal.browser });
    const at = await app.ask(`${standalone} offline_access`);
    assert.equal((await app.offer(at))["days"], 90);
    const back = await app.allow(at, { patient: "child" });
    const first = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    assert.equal((await portal.call("POST", "/api/identity/sign-out", own.access)).status, 200);
    const second = await readTokens(await app.refresh(first.refresh));
    assert.notEqual(second.refresh, first.refresh);
    assert.equal(second.body["patient"], "child");
  });

  test("loses all when a refresh token is shown twice", async (t) => {
    const { app, identity } = await opened(t);
    const first = await launched(app, `${standalone} offline_access`);
    const second = await readTokens(await app.refresh(first.refresh));
    assert.equal((await readJson(await app.refresh(first.refresh)))["error"], "invalid_grant");
    assert.equal(identity.log.entries.at(-1)?.signal, "token-reuse");
    assert.equal((await app.refresh(second.refresh)).status, 400);
  });

  test("cannot widen by a refresh what it was given", async (t) => {
    const { app } = await opened(t);
    const first = await launched(app, `${standalone} offline_access`);
    const wider = await app.refresh(first.refresh, { scope: "patient/*.cruds" });
    assert.equal((await readJson(wider))["error"], "invalid_scope");
    const same = await readTokens(await app.refresh(first.refresh, { scope: "patient/*.rs" }));
    assert.equal(claimsOf(same.access)["scope"], "patient/*.rs");
  });
});

suite("connected apps", () => {
  test("are shown to the person in plain words, and cut off at once", async (t) => {
    const { identity, client } = await opened(t);
    const portal = createApp(identity);
    const signedIn = await portal.signIn(asAna());
    const { access } = await readTokens(await portal.exchange(signedIn.get("code") ?? ""));
    const app = createSmartApp(identity, client, { browser: portal.browser });
    const back = await app.allow(await app.ask(`${standalone} offline_access`), {
      patient: "child",
    });
    const tokens = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    const list = async () =>
      (await readJson(await portal.call("GET", "/api/identity/account/apps", access)))[
        "items"
      ] as readonly { id: string; clientName: string; patient: string; scopes: object[] }[];
    const [shown, ...more] = await list();
    assert.equal(more.length, 0);
    assert.deepEqual([shown?.clientName, shown?.patient], ["Growth chart", "child"]);
    assert.deepEqual(shown?.scopes.at(-1), {
      scope: "patient/*.rs",
      words: "See everything in the record",
    });
    const path = `/api/identity/account/apps/${shown?.id}`;
    assert.equal((await portal.call("DELETE", path, access)).status, 200);
    assert.deepEqual(await list(), []);
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    const { sid } = claimsOf(tokens.access);
    const [live] = await identity.db.query<{ ended: boolean }>(
      "SELECT ended_at IS NOT NULL AS ended FROM identity.session WHERE id = $1",
      [sid],
    );
    assert.equal(live?.ended, true);
    assert.equal((await portal.call("DELETE", path, access)).status, 404);
  });

  test("of another person are not shown, nor cut off", async (t) => {
    const { identity, app } = await opened(t);
    await launched(app, `${standalone} offline_access`);
    await makeAccount(identity, nurse);
    const portal = createApp(identity);
    const asNurse = byPassword({ ...nurse, code: codeOf(nurse.totpSeed) });
    const signedIn = await portal.signIn(asNurse);
    const { access } = await readTokens(await portal.exchange(signedIn.get("code") ?? ""));
    const listed = await portal.call("GET", "/api/identity/account/apps", access);
    assert.deepEqual((await readJson(listed))["items"], []);
    const [row] = await identity.db.query<{ id: string }>("SELECT id FROM identity.app_grant");
    const path = `/api/identity/account/apps/${row?.id}`;
    assert.equal((await portal.call("DELETE", path, access)).status, 404);
  });
});

/** Where the sessions of the app stand: how many, and how many of them have ended. */
const sessionsOf = async (identity: TestIdentity, client: string) => {
  const [row] = await identity.db.query<{ begun: number; ended: number }>(
    `SELECT count(*) AS begun, count(ended_at) AS ended FROM identity.session
      WHERE $1 = ANY (client_ids)`,
    [client],
  );
  return row;
};

suite("an app that is cut off while it asks for its first token", () => {
  type CutOff = (tx: Queryable, opened: Opened) => Promise<unknown>;
  const now = () => systemClock.now();
  const byThePerson: CutOff = async (tx) => {
    const [grant] = await tx.query<{ id: string; account: string }>(
      "SELECT id, account FROM identity.app_grant",
    );
    const account = parseAccountId(grant?.account ?? "");
    assert.ok(grant !== undefined && account !== null);
    assert.ok(await endAppGrant(tx, { account, id: grant.id, now: now() }));
  };
  const byTheOperator: CutOff = async (tx, { client }) => {
    const id = parseClientId(client);
    assert.ok(id !== null);
    assert.ok(await decideClient(tx, { id, status: "revoked", by: "operator", at: now() }));
    await endSessionsOfClient(tx, id, now());
  };
  /** Resolves when some statement waits for the rows that another transaction holds. */
  async function someoneWaits({ db }: TestIdentity): Promise<void> {
    for (;;) {
      const [row] = await db.query<{ waiting: number }>(
        "SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted",
      );
      if ((row?.waiting ?? 0) > 0) return;
      await setTimeout(5);
    }
  }

  for (const [who, cutOff] of [
    ["the person", byThePerson],
    ["the operator", byTheOperator],
  ] as const)
    test(`by ${who} is left with no session`, async (t) => {
      const known = await opened(t);
      const { app, identity, client } = known;
      const at = await app.signIn(await app.ask(standalone), asAna());
      const back = await app.allow(at, { patient: "child" });
      const asking = await identity.db.transaction(async (tx) => {
        await cutOff(tx, known);
        const exchanging = app.exchange(back.searchParams.get("code") ?? "");
        await someoneWaits(identity);
        return { exchanging };
      });
      const answer = await asking.exchanging;
      assert.equal((await readJson(answer))["error"], "invalid_grant");
      const sessions = await sessionsOf(identity, client);
      assert.equal(sessions?.begun, sessions?.ended);
    });
});

suite("a page that hides its origin", () => {
  test("is not the home of an app that has an address with a scheme of its own", async (t) => {
    const { identity, client } = await opened(t, { redirectUris: ["org.example.chart:/back"] });
    const from = async (origin: string): Promise<string | null> => {
      const response = await identity.send("/oauth/token", {
        method: "POST",
        headers: { origin, "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ client_id: client, grant_type: "refresh_token" }).toString(),
      });
      return response.headers.get("access-control-allow-origin");
    };
    assert.equal(await from("null"), null);
    assert.equal(await from(origin), origin);
  });
});

suite("a launch from the chart", () => {
  async function chart(t: Parameters<typeof testIdentity>[0]) {
    const { identity, client } = await opened(t, {}, nurse);
    const portal = createApp(identity);
    const asNurse = byPassword({ ...nurse, code: codeOf(nurse.totpSeed) });
    const signedIn = await portal.signIn(asNurse);
    const { access } = await readTokens(await portal.exchange(signedIn.get("code") ?? ""));
    const app = createSmartApp(identity, client, { browser: portal.browser });
    const launch = async (body: object): Promise<Response> => {
      const path = "/api/identity/account/launches";
      return identity.send(path, {
        method: "POST",
        headers: {
          authorization: `DPoP ${access}`,
          dpop: portal.key.proof("POST", path, { token: access }),
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      });
    };
    return { identity, client, app, launch };
  }

  const ehr = "openid fhirUser launch patient/*.rs";

  test("gives the app the patient whose chart was open", async (t) => {
    const { app, client, launch } = await chart(t);
    const { url } = await readJson(await launch({ app: client, patient: "someone" }));
    const address = new URL(String(url));
    assert.equal(address.origin + address.pathname, `${appHome}/launch`);
    assert.equal(address.searchParams.get("iss"), `${origin}/fhir`);
    const token = address.searchParams.get("launch") ?? "";
    const at = await app.ask(ehr, { launch: token });
    assert.match(at.pathname, /^\/consent\//, "she is signed in already");
    assert.deepEqual((await app.offer(at))["patient"], { kind: "launched", id: "someone" });
    const back = await app.allow(at);
    const tokens = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    assert.equal(tokens.body["patient"], "someone");
    assert.equal(tokens.body["need_patient_banner"], false);
    assert.equal(claimsOf(tokens.id)["fhirUser"], `${origin}/fhir/Practitioner/prac-nia`);
    const again = await app.ask(ehr, { launch: token });
    const offer = await app.browser.get(`${again.pathname}/offer`);
    assert.equal(offer.status, 400, "a launch serves once");
  });

  test("lets in one app of two that ask with it at once", async (t) => {
    const { app, client, launch } = await chart(t);
    const { url } = await readJson(await launch({ app: client, patient: "someone" }));
    const token = new URL(String(url)).searchParams.get("launch") ?? "";
    const asked = [await app.ask(ehr, { launch: token }), await app.ask(ehr, { launch: token })];
    const answers = [];
    for (const at of asked)
      answers.push(
        await app.browser.postJson(`${at.pathname}/answer`, {
          allow: true,
          scopes: ["patient/*.rs"],
          patient: null,
        }),
      );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 400],
    );
  });

  test("is worth nothing to another person or app, and opens no app without a launch address", async (t) => {
    const { app, identity, client, launch } = await chart(t);
    const { url } = await readJson(await launch({ app: client, patient: "someone" }));
    const token = new URL(String(url)).searchParams.get("launch") ?? "";
    const other = await registerApp(identity, { launchUri: null });
    const theirs = createSmartApp(identity, other, { browser: app.browser });
    const at = await theirs.ask(ehr, { launch: token });
    assert.equal((await app.browser.get(`${at.pathname}/offer`)).status, 400);
    assert.equal((await launch({ app: other, patient: "someone" })).status, 400);
    assert.equal((await launch({ app: client, patient: "not an id" })).status, 400);
  });
});

suite("an app without a key", () => {
  const unbound = { binding: "bearer" } as const;

  test("gets tokens that say so, on level 0, where the operator allows it", async (t) => {
    const { app, identity } = await opened(t, unbound);
    const tokens = await launched(app, `${standalone} online_access`);
    assert.equal(tokens.body["token_type"], "Bearer");
    const claims = claimsOf(tokens.access);
    assert.deepEqual([claims["unbound"], claims["cnf"]], [true, undefined]);
    const [live] = await identity.db.query<{ level: number }>(
      `SELECT level FROM identity.device JOIN identity.session ON session.device = device.id
        WHERE session.id = $1`,
      [claims["sid"]],
    );
    assert.equal(live?.level, 0);
    const next = await readTokens(await app.refresh(tokens.refresh));
    assert.equal(claimsOf(next.access)["sid"], claims["sid"]);
    assert.equal((await app.refresh(tokens.refresh)).status, 400);
    assert.equal((await app.refresh(next.refresh)).status, 400, "the whole family is dead");
  });

  test("gets none where the operator does not", async (t) => {
    const { identity, client } = await opened(t);
    const app = createSmartApp(identity, client, { dpop: false });
    const at = await app.signIn(await app.ask(standalone), asAna());
    const back = await app.allow(at, { patient: "child" });
    const response = await app.exchange(back.searchParams.get("code") ?? "");
    assert.equal(response.status, 400);
  });
});

suite("a thief of a code", () => {
  test("cannot exchange it without the verifier, from another app, or by a like address", async (t) => {
    const { app, identity, client } = await opened(t);
    const other = await registerApp(identity, { name: "Another" });
    const at = await app.signIn(await app.ask(standalone), asAna());
    const back = await app.allow(at, { patient: "child" });
    const code = back.searchParams.get("code") ?? "";
    const theirs = createSmartApp(identity, other);
    assert.equal((await theirs.exchange(code)).status, 400);
    for (const change of [
      { code_verifier: "another-verifier-that-is-long-enough-for-the-specification" },
      { redirect_uri: `${appHome}/back/` },
      { redirect_uri: `${appHome}/back?x=1` },
    ])
      assert.equal((await createSmartApp(identity, client).exchange(code, change)).status, 400);
  });

  for (const redirect of [
    `${appHome}/back/../evil`,
    `${appHome}/back#x`,
    `${appHome}/back?next=https://evil.example`,
    `${appHome}.evil.example/back`,
    `${appHome}@evil.example/back`,
    "https://evil.example/back",
    "http://app.example/back",
    "javascript:alert(1)",
  ])
    test(`is sent none to ${redirect}`, async (t) => {
      const { app } = await opened(t);
      const at = await app.ask(standalone, { redirect_uri: redirect });
      assert.equal(at.origin + at.pathname, `${origin}/callback`);
      assert.ok(at.searchParams.has("error"));
    });

  test("gets nothing by an app that is pending or revoked", async (t) => {
    const { app, identity, client } = await opened(t);
    const tokens = await launched(app, `${standalone} offline_access`);
    await identity.operate("/internal/apps/revoke", { id: client });
    assert.equal((await app.refresh(tokens.refresh)).status, 401);
    assert.equal((await app.ask(standalone)).searchParams.get("error"), "invalid_client");
  });
});
