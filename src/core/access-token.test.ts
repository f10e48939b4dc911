import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import {
  parseJwks,
  verifyAccessToken,
  type AccessClaims,
  type AccessTokenCheck,
} from "#core/access-token.ts";
import { createBoundedCache } from "#core/bounded-cache.ts";
import { parseInstant, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import { ecKey, edKey, encode, signJws, type SigningKey } from "#core/testing-tokens.ts";

const issuer = "https://portal.example";
const audience = `${issuer}/fhir`;

const atMs = (ms: number): Instant => {
  const at = parseInstant(ms);
  invariant(at !== null, "a whole number of ms is an instant");
  return at;
};
const now = atMs(1_800_000_000_000);

const key = ecKey();
const published = { keys: [{ ...key.jwk, kid: "k1", alg: "ES256", use: "sig" }] };
const keys = await parseJwks(published);

const header = { typ: "at+jwt", alg: "ES256", kid: "k1" };
const claims = {
  iss: issuer,
  aud: audience,
  sub: randomUUID(),
  sid: randomUUID(),
  device: randomUUID(),
  client_id: "phylax-portal",
  scope: "patient/*.rs user/*.rs",
  iat: 1_800_000_000,
  exp: 1_800_000_300,
  cnf: { jkt: "a-thumbprint" },
};

const check = (token: string, change: Partial<AccessTokenCheck> = {}) =>
  verifyAccessToken({
    token,
    issuer,
    audience,
    now,
    keyOf: async (kid) => keys.get(kid) ?? null,
    ...change,
  });

const tokenWith = (
  change: { header?: object; claims?: object } = {},
  signer: SigningKey = key,
): string => signJws({ ...header, ...change.header }, { ...claims, ...change.claims }, signer);

async function refusal(token: string, change: Partial<AccessTokenCheck> = {}) {
  const checked = await check(token, change);
  return checked.ok ? null : checked.problem.code;
}

suite("an access token", () => {
  test("of ours tells whose it is, of which session, device and key", async () => {
    const checked = await check(tokenWith());
    assert.ok(checked.ok);
    assert.deepEqual(checked.value, {
      account: claims.sub,
      session: claims.sid,
      device: claims.device,
      client: "phylax-portal",
      scopes: ["patient/*.rs", "user/*.rs"],
      binding: { kind: "dpop", jkt: "a-thumbprint" },
      certificate: null,
      signedInAt: null,
      patient: null,
      expiresAt: 1_800_000_300_000,
    });
  });

  test("without scope grants none", async () => {
    const checked = await check(tokenWith({ claims: { scope: undefined } }));
    assert.deepEqual(checked.ok && checked.value.scopes, []);
  });

  test("is over at the second of its exp", async () => {
    assert.equal(await refusal(tokenWith(), { now: atMs(1_800_000_299_999) }), null);
    assert.equal(await refusal(tokenWith(), { now: atMs(1_800_000_300_000) }), "token-expired");
  });

  test("unsigned, or signed with a secret that is our public key, is refused", async () => {
    const none = `${encode({ ...header, alg: "none" })}.${encode(claims)}`;
    assert.equal(await refusal(`${none}.`), "token-invalid");
    assert.equal(await refusal(`${none}.AAAA`), "token-invalid");
    const hmac = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
    for (const secret of [JSON.stringify(key.jwk), String(key.jwk["x"])]) {
      const mac = createHmac("sha256", secret).update(hmac).digest("base64url");
      assert.equal(await refusal(`${hmac}.${mac}`), "token-invalid");
    }
  });

  test("signed by another key, or naming none of ours, is refused", async () => {
    assert.equal(await refusal(tokenWith({}, ecKey())), "token-invalid");
    assert.equal(await refusal(tokenWith({ header: { kid: "k2" } })), "token-invalid");
    assert.equal(await refusal(tokenWith({ header: { kid: undefined } })), "token-invalid");
    const ed = edKey();
    const token = tokenWith({ header: { alg: "EdDSA", jwk: ed.jwk } }, ed);
    assert.equal(await refusal(token), "token-invalid");
  });

  test("of another type, such as an ID token, is refused", async () => {
    for (const typ of ["JWT", undefined, "dpop+jwt"])
      assert.equal(await refusal(tokenWith({ header: { typ } })), "token-invalid");
    assert.equal(await refusal(tokenWith({ header: { typ: "application/at+jwt" } })), null);
  });

  test("of another issuer or for another audience is refused", async () => {
    for (const change of [
      { iss: "https://evil.example" },
      { iss: `${issuer}/` },
      { aud: issuer },
      { aud: [`${audience}/`] },
      { aud: undefined },
    ])
      assert.equal(await refusal(tokenWith({ claims: change })), "token-invalid");
    assert.equal(await refusal(tokenWith({ claims: { aud: ["other", audience] } })), null);
  });

  test("that lacks a claim, above all its key's thumbprint, is refused", async () => {
    for (const change of [
      { sub: "ana" },
      { sid: undefined },
      { device: undefined },
      { client_id: undefined },
      { exp: undefined },
      { exp: "1800000300" },
      { cnf: undefined },
      { cnf: {} },
      { cnf: { jkt: "" } },
      { cnf: { "x5t#S256": "a" } },
    ])
      assert.equal(
        await refusal(tokenWith({ claims: change })),
        "token-invalid",
        JSON.stringify(change),
      );
  });

  test("kept after its check is taken again until it expires, and no longer", async () => {
    const verified = createBoundedCache<string, AccessClaims>(10);
    let lookups = 0;
    const keyOf: AccessTokenCheck["keyOf"] = async (kid) => {
      lookups += 1;
      return keys.get(kid) ?? null;
    };
    const token = tokenWith();
    for (const _ of [1, 2, 3]) assert.equal(await refusal(token, { verified, keyOf }), null);
    assert.equal(lookups, 1);
    const late = { verified, keyOf, now: atMs(1_800_000_300_000) };
    assert.equal(await refusal(token, late), "token-expired");
    assert.equal(verified.size, 0);
    assert.equal(await refusal(tokenWith({}, ecKey()), { verified, keyOf }), "token-invalid");
    assert.equal(verified.size, 0);
  });

  test("of any text whatever is refused, never thrown at", async () => {
    const part = fc.json().map((json) => Buffer.from(json).toString("base64url"));
    const like = fc.tuple(part, part, part).map((parts) => parts.join("."));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), like), async (text) => {
        assert.equal(await refusal(text), "token-invalid");
      }),
      { numRuns: 200 },
    );
  });
});

suite("a JWK set", () => {
  test("gives its ES256 keys by name and leaves out all others", async () => {
    const { privateKey } = ecKey();
    const read = await parseJwks({
      keys: [
        published.keys[0],
        { ...edKey().jwk, kid: "ed" },
        { ...privateKey.export({ format: "jwk" }), kid: "private" },
        { ...key.jwk },
        { kty: "oct", k: "AAAA", kid: "secret" },
        null,
        "text",
      ],
    });
    assert.deepEqual([...read.keys()], ["k1"]);
  });

  test("that is none gives no key", async () => {
    for (const value of [null, [], "keys", {}, { keys: {} }, { keys: [] }])
      assert.equal((await parseJwks(value)).size, 0);
  });
});
