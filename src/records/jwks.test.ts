import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseInstant, type Clock } from "#core/clock.ts";
import { createKeyOf, jwksLimits } from "#records/jwks.ts";

function signingKey(kid: string): object {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...publicKey.export({ format: "jwk" }), kid };
}

interface Issuer {
  keys: object[];
  isDown: boolean;
  asked: number;
}

function lookup(): {
  issuer: Issuer;
  pass: (ms: number) => void;
  keyOf: ReturnType<typeof createKeyOf>;
} {
  const issuer: Issuer = { keys: [signingKey("one")], isDown: false, asked: 0 };
  let ms = 0;
  const clock: Clock = {
    now: () => parseInstant(ms) ?? assert.fail(),
    monotonicMs: () => ms,
  };
  const fetchJwks = (): Promise<unknown> => {
    issuer.asked += 1;
    return issuer.isDown
      ? Promise.reject(new Error("down"))
      : Promise.resolve({ keys: issuer.keys });
  };
  return {
    issuer,
    pass: (by) => {
      ms += by;
    },
    keyOf: createKeyOf(fetchJwks, clock),
  };
}

test("keys are fetched once and kept, also when many ask at once", async () => {
  const { issuer, keyOf } = lookup();
  const found = await Promise.all([keyOf("one"), keyOf("one"), keyOf("one")]);
  assert.ok(found.every((key) => key !== null));
  assert.ok((await keyOf("one")) !== null);
  assert.equal(issuer.asked, 1);
});

test("an unknown kid asks the issuer again, but not at the caller's pace", async () => {
  const { issuer, pass, keyOf } = lookup();
  await keyOf("one");
  issuer.keys.push(signingKey("two"));
  assert.equal(await keyOf("two"), null);
  assert.equal(issuer.asked, 1);
  pass(jwksLimits.refetchMs + 1);
  assert.ok((await keyOf("two")) !== null);
  for (let i = 0; i < 50; i += 1) assert.equal(await keyOf(`guess-${i}`), null);
  assert.equal(issuer.asked, 2);
});

test("a withdrawn key is forgotten after its age", async () => {
  const { issuer, pass, keyOf } = lookup();
  await keyOf("one");
  issuer.keys = [signingKey("two")];
  pass(jwksLimits.maxAgeMs + 1);
  await keyOf("one");
  await keyOf("two");
  assert.equal(await keyOf("one"), null);
});

test("while the issuer is down known keys stay good and others are not found", async () => {
  const { issuer, pass, keyOf } = lookup();
  await keyOf("one");
  issuer.isDown = true;
  pass(jwksLimits.maxAgeMs + 1);
  assert.ok((await keyOf("one")) !== null);
  assert.equal(await keyOf("two"), null);
});
