import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { laterBy, parseInstant, systemClock, type Clock, type Instant } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { createApp, readJson, readTokens } from "#identity/testing-app.ts";
import { ana, asAna, makeAccount } from "#identity/testing-people.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";
import {
  keysAt,
  makeSigningKey,
  signingLimits,
  type SigningKey,
} from "#identity/signing/signing-keys.ts";

const at = (ms: number): Instant => parseInstant(ms) ?? assert.fail();

const keyFrom = (ms: number): SigningKey => ({ jwk: { kid: `${ms}` }, signsFrom: at(ms) });

const kidsAt = (keys: readonly SigningKey[], ms: number) =>
  keysAt(keys, at(ms)).map(({ jwk }) => jwk.kid);

async function published(identity: TestIdentity): Promise<readonly unknown[]> {
  const { keys } = await readJson(await identity.send("/oauth/jwks"));
  assert.ok(Array.isArray(keys));
  return keys.map((key: Readonly<Record<string, unknown>>) => key["kid"]);
}

const kidOf = (jwt: string): unknown =>
  (
    JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString("utf8")) as Record<
      string,
      unknown
    >
  )["kid"];

const rotate = async (identity: TestIdentity, body: object = {}) => {
  const answer = await identity.operate("/internal/signing-keys", body);
  assert.equal(answer.status, 200);
  return readJson(answer);
};

async function signedIn(identity: TestIdentity) {
  await makeAccount(identity, ana);
  const app = createApp(identity);
  const answer = await app.signIn(asAna());
  return { app, tokens: await readTokens(await app.exchange(answer.get("code") ?? "")) };
}

suite("signing keys", () => {
  test("sign in turn: published before, kept after", () => {
    const keys = [keyFrom(0), keyFrom(1_000)];
    assert.deepEqual(kidsAt(keys, 0), ["0", "1000"]);
    assert.deepEqual(kidsAt(keys, 999), ["0", "1000"]);
    assert.deepEqual(kidsAt(keys, 1_000), ["1000", "0"]);
    assert.deepEqual(kidsAt(keys, 999 + signingLimits.keptMs), ["1000", "0"]);
    assert.deepEqual(kidsAt(keys, 1_000 + signingLimits.keptMs), ["1000"]);
  });

  test("always have one that signs, of those whose time has come when there is one", () => {
    const times = fc.uniqueArray(fc.nat(10 * signingLimits.keptMs), { minLength: 1 });
    fc.assert(
      fc.property(times, fc.nat(10 * signingLimits.keptMs), (froms, now) => {
        const [signer] = keysAt(froms.map(keyFrom), at(now));
        const started = froms.filter((from) => from <= now);
        const wanted = started.length > 0 ? Math.max(...started) : Math.min(...froms);
        return signer?.signsFrom === wanted;
      }),
    );
  });

  test("are made of chance: no two alike", () => {
    const now = systemClock.now();
    const [one, two] = [makeSigningKey(systemRandom, now), makeSigningKey(systemRandom, now)];
    assert.notEqual(one.jwk.d, two.jwk.d);
    assert.notEqual(one.jwk.kid, two.jwk.kid);
  });
});

suite("rotating the signing keys", () => {
  test("publishes the new key before it signs, and tokens of the old one stay good", async (t) => {
    let shift = 0;
    const clock: Clock = {
      now: () => laterBy(systemClock.now(), shift),
      monotonicMs: () => systemClock.monotonicMs(),
    };
    const identity = await testIdentity(t, { clock });
    const { app, tokens } = await signedIn(identity);
    const [old] = await published(identity);
    const { kid } = await rotate(identity);
    assert.deepEqual(await published(identity), [old, kid]);
    const refreshed = await readTokens(await app.refresh(tokens.refresh));
    assert.equal(kidOf(refreshed.access), old);
    shift = signingLimits.leadMs;
    await rotate(identity);
    assert.equal((await published(identity))[0], kid);
    assert.equal((await published(identity)).length, 3);
    shift = 0;
    assert.equal((await app.call("GET", "/api/identity/me", refreshed.access)).status, 200);
  });

  test("at once, believes nothing any more that the old key signed; who holds a refresh token goes on", async (t) => {
    const identity = await testIdentity(t);
    const { app, tokens } = await signedIn(identity);
    const { kid, withdrawn } = await rotate(identity, { atOnce: true });
    assert.equal(withdrawn, 1);
    assert.deepEqual(await published(identity), [kid]);
    assert.equal((await app.call("GET", "/api/identity/me", tokens.access)).status, 401);
    const refreshed = await readTokens(await app.refresh(tokens.refresh));
    assert.equal(kidOf(refreshed.access), kid);
    assert.equal((await app.call("GET", "/api/identity/me", refreshed.access)).status, 200);
    assert.equal(identity.log.entries.filter(({ action }) => action === "key-rotate").length, 1);
  });

  test("is kept over a restart", async (t) => {
    const identity = await testIdentity(t);
    const { kid } = await rotate(identity, { atOnce: true });
    const { database, key } = identity;
    const again = await testIdentity(t, { restart: { database, key } });
    assert.deepEqual(await published(again), [kid]);
  });

  test("is an operator's to ask for, and in a form that is known", async (t) => {
    const identity = await testIdentity(t);
    const body = JSON.stringify({ atOnce: true });
    const headers = { "content-type": "application/json" };
    const asked = { method: "POST", headers, body };
    assert.equal((await identity.send("/internal/signing-keys", asked)).status, 403);
    const odd = await identity.operate("/internal/signing-keys", { atOnce: "yes" });
    assert.equal(odd.status, 400);
  });
});
