import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import * as jose from "jose";
import { parseInstant, type Instant } from "#core/clock.ts";
import { createKnownSigners, verifyDpopProof, type DpopProofCheck } from "#core/dpop.ts";
import { invariant } from "#core/result.ts";
import { ecKey, edKey, encode, signJws, type SigningKey } from "#core/testing-tokens.ts";

const atMs = (ms: number): Instant => {
  const at = parseInstant(ms);
  invariant(at !== null, "a whole number of ms is an instant");
  return at;
};

const now = atMs(1_800_000_000_500);
const accessToken = "an.access.token";
const url = "https://portal.example/fhir/Patient/1";
const key = ecKey();

const header = { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk };
const claims = {
  jti: "one",
  htm: "GET",
  htu: url,
  iat: 1_800_000_000,
  ath: createHash("sha256").update(accessToken).digest("base64url"),
};

const check = (proof: string, change: Partial<DpopProofCheck> = {}) =>
  verifyDpopProof({ proof, method: "GET", url, accessToken, now, ...change });

const proofWith = (
  change: { header?: object; claims?: object },
  signer: SigningKey = key,
): string => signJws({ ...header, ...change.header }, { ...claims, ...change.claims }, signer);

/** The name at which the proof is refused; null when it is taken. */
async function refusedAt(proof: string, change: Partial<DpopProofCheck> = {}) {
  const checked = await check(proof, change);
  if (checked.ok) return null;
  assert.equal(checked.problem.code, "proof-invalid");
  return checked.problem.at;
}

suite("a DPoP proof", () => {
  test("of the request, the token and the time is taken, with the key's thumbprint", async () => {
    const checked = await check(proofWith({}));
    assert.ok(checked.ok);
    assert.deepEqual(checked.value, {
      jkt: await jose.calculateJwkThumbprint(key.jwk),
      jti: "one",
      expiresAt: 1_800_000_060_000,
    });
  });

  test("is taken from Ed25519 keys under both of their names", async () => {
    const ed = edKey();
    for (const alg of ["Ed25519", "EdDSA"]) {
      const checked = await check(proofWith({ header: { alg, jwk: ed.jwk } }, ed));
      assert.ok(checked.ok, alg);
      assert.equal(checked.value.jkt, await jose.calculateJwkThumbprint(ed.jwk));
    }
  });

  test("for another method, address or token is refused", async () => {
    assert.equal(await refusedAt(proofWith({ claims: { htm: "POST" } })), "htm");
    assert.equal(await refusedAt(proofWith({ claims: { htm: "get" } })), "htm");
    assert.equal(await refusedAt(proofWith({ claims: { htu: `${url}0` } })), "htu");
    assert.equal(
      await refusedAt(proofWith({ claims: { htu: url.replace("https", "http") } })),
      "htu",
    );
    assert.equal(await refusedAt(proofWith({ claims: { htu: undefined } })), "htu");
    assert.equal(await refusedAt(proofWith({ claims: { htu: "not an address" } })), "htu");
    assert.equal(await refusedAt(proofWith({ claims: { ath: undefined } })), "ath");
    assert.equal(await refusedAt(proofWith({}), { accessToken: "another" }), "ath");
  });

  test("counts neither query, fragment, case of the host nor the default port", async () => {
    for (const htu of [
      `${url}?_count=5`,
      `${url}#x`,
      url.replace("portal", "PORTAL"),
      url.replace(".example", ".example:443"),
    ])
      assert.equal(await refusedAt(proofWith({ claims: { htu } })), null, htu);
    assert.equal(await refusedAt(proofWith({}), { url: `${url}?_count=5` }), null);
  });

  test("is good for a minute either way", async () => {
    const at = (offsetMs: number) =>
      refusedAt(proofWith({}), { now: atMs(1_800_000_000_000 + offsetMs) });
    assert.equal(await at(60_000), null);
    assert.equal(await at(-60_000), null);
    assert.equal(await at(60_001), "iat");
    assert.equal(await at(-60_001), "iat");
    for (const iat of [undefined, "1800000000", null, 1e300])
      assert.equal(await refusedAt(proofWith({ claims: { iat } })), "iat");
  });

  test("needs an id that can be kept", async () => {
    for (const jti of [undefined, "", 7, "x".repeat(129)])
      assert.equal(await refusedAt(proofWith({ claims: { jti } })), "jti");
  });

  test("of another type, or with an extension that we do not know, is refused", async () => {
    assert.equal(await refusedAt(proofWith({ header: { typ: "JWT" } })), "typ");
    assert.equal(await refusedAt(proofWith({ header: { typ: undefined } })), "typ");
    assert.equal(await refusedAt(proofWith({ header: { crit: ["b64"], b64: false } })), "DPoP");
  });

  test("unsigned, or signed by a secret or another key, is refused", async () => {
    const signed = `${encode({ ...header, alg: "none" })}.${encode(claims)}`;
    assert.equal(await refusedAt(`${signed}.`), "DPoP");
    assert.equal(await refusedAt(`${signed}.AAAA`), "jwk");
    const hmac = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
    const mac = createHmac("sha256", JSON.stringify(key.jwk)).update(hmac).digest("base64url");
    assert.equal(await refusedAt(`${hmac}.${mac}`), "jwk");
    assert.equal(await refusedAt(proofWith({}, ecKey())), "signature");
  });

  test("with a key that is private, of another kind or off its curve is refused", async () => {
    const { privateKey } = key;
    for (const jwk of [
      { ...privateKey.export({ format: "jwk" }) },
      { ...key.jwk, crv: "P-384" },
      { kty: "oct", k: "AAAA" },
      { ...key.jwk, x: key.jwk["y"], y: key.jwk["x"] },
      { kty: "RSA", n: "AAAA", e: "AQAB" },
      undefined,
      "text",
      [],
    ])
      assert.equal(await refusedAt(proofWith({ header: { jwk } })), "jwk", JSON.stringify(jwk));
  });

  test("longer than any honest one is refused before it is looked at", async () => {
    assert.equal(await refusedAt(proofWith({ claims: { pad: "x".repeat(4_096) } })), "DPoP");
  });

  test("changed in any one character is refused", async () => {
    const proof = proofWith({});
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: proof.length - 1 }),
        fc.constantFrom("A", "B", "a", "0", "-", "_", ".", "=", "~", "é"),
        async (at, char) => {
          const changed = proof.slice(0, at) + char + proof.slice(at + 1);
          // The last character of base64url may carry bits that do not count.
          fc.pre(!sameBytes(changed, proof));
          assert.equal((await check(changed)).ok, false);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("of any text whatever is refused, never thrown at", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), jwsLike()), async (text) => {
        assert.equal((await check(text)).ok, false);
      }),
      { numRuns: 200 },
    );
  });

  test("of a key seen before is checked with the kept key, and just as strictly", async () => {
    const known = createKnownSigners();
    assert.equal(await refusedAt(proofWith({}), { known }), null);
    assert.equal(known.headers.size, 1);
    assert.equal(await refusedAt(proofWith({}), { known }), null);
    assert.equal(await refusedAt(proofWith({}, ecKey()), { known }), "signature");
    assert.equal(known.headers.size, 1);
  });

  test("is judged as jose judges it", async () => {
    const proofs = [proofWith({}), proofWith({}, ecKey()), proofWith({ header: { typ: "JWT" } })];
    for (const proof of proofs) {
      const rival = await jose
        .jwtVerify(proof, jose.EmbeddedJWK, { typ: "dpop+jwt", algorithms: ["ES256"] })
        .then(
          () => true,
          () => false,
        );
      assert.equal((await check(proof)).ok, rival);
    }
  });
});

const sameBytes = (one: string, other: string): boolean => {
  const bytes = (text: string) =>
    text.split(".").map((part) => Buffer.from(part, "base64url").toString("hex"));
  return bytes(one).join(".") === bytes(other).join(".") && /^[\w.-]+$/.test(one);
};

function jwsLike(): fc.Arbitrary<string> {
  const part = fc.json().map((json) => Buffer.from(json).toString("base64url"));
  return fc.tuple(part, part, part).map((parts) => parts.join("."));
}
