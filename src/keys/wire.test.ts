import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { RewrappedKey } from "#core/key-service.ts";
import type { RewrapAnswer, RewrapRequest } from "#core/key-wire.ts";
import { brakeLimits } from "#keys/brake.ts";
import {
  parseGenerateAnswer,
  parseGenerateRequest,
  parseKeyStatus,
  parseLiftRequest,
  parseRewrapAnswer,
  parseRewrapRequest,
  parseUnwrapAnswer,
  parseUnwrapRequest,
  parseWrappedKey,
  type WrappedBatch,
} from "#keys/wire.ts";

const base64url = (bytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array) => Buffer.from(array).toString("base64url"));
const name = fc.string({ minLength: 1, maxLength: 64 });
const iso = fc
  .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
  .map((date) => date.toISOString());
const count = fc.integer({ min: 1, max: 2 ** 31 - 1 });

const wrapped = fc.record(
  {
    compartment: name,
    tenant: name,
    dekVersion: count,
    kekEpoch: count,
    wrapped: base64url(60),
    commitment: base64url(32),
  },
  { noNullPrototype: true },
);
const key = base64url(32);
const refusal = fc.constantFrom("wrong-epoch", "damaged", "not-yours");
const plain = { noNullPrototype: true };

function columnsOf({ tenant, keys, sealed }: WrappedBatch): RewrapRequest {
  return {
    tenant,
    compartments: keys.map(({ compartment }) => compartment),
    dekVersions: keys.map(({ dekVersion }) => dekVersion),
    kekEpochs: keys.map(({ kekEpoch }) => kekEpoch),
    wrapped: sealed.toString("base64url"),
  };
}

function answerOf(keys: readonly RewrappedKey[]): RewrapAnswer {
  const epochs = keys.flatMap((each) => (each.ok ? [each.kekEpoch] : []));
  return {
    kekEpoch: epochs[0] ?? assert.fail("one key at least is wrapped anew"),
    wrapped: keys.map((each) => (each.ok ? each.wrapped : "")).join(""),
    refused: keys.flatMap((each, place) => (each.ok ? [] : [{ place, code: each.code }])),
  };
}

const shapes = {
  "a wrapped key": { parse: parseWrappedKey, valid: wrapped },
  "an unwrap request": {
    parse: parseUnwrapRequest,
    valid: fc.record({ keys: fc.array(wrapped, { maxLength: 4 }) }, plain),
  },
  "an unwrap answer": {
    parse: parseUnwrapAnswer,
    valid: fc.record(
      {
        keys: fc.array(
          fc.oneof(
            fc.record({ ok: fc.constant(true), key }, plain),
            fc.record({ ok: fc.constant(false), code: refusal }, plain),
          ),
          { maxLength: 4 },
        ),
      },
      plain,
    ),
  },
  "a generate request": {
    parse: parseGenerateRequest,
    valid: fc.record(
      {
        tenant: name,
        compartments: fc.array(fc.record({ compartment: name, dekVersion: count }, plain), {
          maxLength: 4,
        }),
      },
      plain,
    ),
  },
  "a generate answer": {
    parse: parseGenerateAnswer,
    valid: fc.record(
      { keys: fc.array(fc.record({ wrapped, key }, plain), { maxLength: 4 }) },
      plain,
    ),
  },
  "a status": {
    parse: parseKeyStatus,
    valid: fc.record(
      {
        kms: name,
        kekEpoch: count,
        epochs: fc.array(fc.record({ epoch: count, createdAt: iso }, plain), { maxLength: 3 }),
        unwraps: fc.nat(),
        log: fc.record({ lines: fc.nat(), hash: base64url(32) }, plain),
      },
      plain,
    ),
  },
  "a rewrap request": {
    parse: (value: unknown) => {
      const batch = parseRewrapRequest(value);
      return batch === null ? null : columnsOf(batch);
    },
    valid: fc.tuple(name, fc.array(wrapped, { maxLength: 4 })).map(([tenant, keys]) => {
      const sealed = Buffer.concat(keys.map((each) => Buffer.from(each.wrapped, "base64url")));
      return columnsOf({ tenant, keys, sealed });
    }),
  },
  "a rewrap answer": {
    parse: (value: unknown) => {
      const keys = parseRewrapAnswer(value, 4);
      return keys === null ? null : answerOf(keys);
    },
    valid: fc
      .tuple(count, fc.array(fc.oneof(base64url(60), refusal), { minLength: 3, maxLength: 3 }))
      .map(([kekEpoch, keys]) =>
        answerOf(
          [...keys, "A".repeat(80)].map((each) =>
            each.length === 80
              ? { ok: true, kekEpoch, wrapped: each }
              : { ok: false, code: each as "damaged" },
          ),
        ),
      ),
  },
  "what lifts the brake": {
    parse: parseLiftRequest,
    valid: fc.record(
      {
        patients: fc.integer({ min: 1, max: brakeLimits.liftPatientsMax }),
        minutes: fc.integer({ min: 1, max: brakeLimits.liftMinutesMax }),
      },
      plain,
    ),
  },
} satisfies Record<string, { parse: (value: unknown) => unknown; valid: fc.Arbitrary<object> }>;

for (const [what, { parse, valid }] of Object.entries(shapes)) {
  test(`${what} comes out of its JSON as it went in`, () => {
    fc.assert(
      fc.property(valid, (sent: object) => {
        assert.deepEqual(parse(JSON.parse(JSON.stringify(sent))), sent);
      }),
    );
  });

  test(`${what} with one name more or less is none`, () => {
    fc.assert(
      fc.property(valid, fc.nat(), (sent: object, pick) => {
        assert.equal(parse({ ...sent, more: 1 }), null);
        const names = Object.keys(sent);
        const left = Object.entries(sent).filter(([name]) => name !== names[pick % names.length]);
        assert.equal(parse(Object.fromEntries(left)), null);
      }),
    );
  });

  test(`whatever else JSON can say is no ${what.replace(/^an? /, "")}, and does not throw`, () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(parse(value), null);
      }),
    );
  });
}

test("base64url in a form that is not the canonical one is refused", () => {
  const [sound] = fc.sample(wrapped, 1);
  assert.ok(sound !== undefined && parseWrappedKey(sound) !== null);
  // 32 bytes leave two bits of the last character unused; only zeros there are canonical.
  const loose = `${"A".repeat(42)}B`;
  assert.equal(parseWrappedKey({ ...sound, commitment: loose }), null);
  assert.equal(parseWrappedKey({ ...sound, commitment: `${"A".repeat(42)}=` }), null);
  assert.equal(parseWrappedKey({ ...sound, commitment: `${"A".repeat(42)}+` }), null);
});

test("signals beside unwrapped keys come through, those of a later version are left out", () => {
  const sent = { keys: [], signals: ["unwrap-storm", "of-a-later-version"] };
  assert.deepEqual(parseUnwrapAnswer(sent), { keys: [], signals: ["unwrap-storm"] });
  assert.equal(parseUnwrapAnswer({ keys: [], signals: "unwrap-storm" }), null);
});

test("columns of unequal length are no rewrap request, nor is an answer to more or fewer keys", () => {
  const one = { compartments: ["a"], dekVersions: [1], kekEpochs: [1], wrapped: "A".repeat(80) };
  const request = { tenant: "t", ...one };
  assert.ok(parseRewrapRequest(request) !== null);
  for (const [column, value] of Object.entries(one)) {
    const longer = typeof value === "string" ? value + value : [...value, ...value];
    assert.equal(parseRewrapRequest({ ...request, [column]: longer }), null, column);
  }
  const answer = { kekEpoch: 2, wrapped: "A".repeat(80), refused: [{ place: 1, code: "damaged" }] };
  assert.ok(parseRewrapAnswer(answer, 2) !== null);
  assert.equal(parseRewrapAnswer(answer, 1), null);
  assert.equal(parseRewrapAnswer(answer, 3), null);
  const twice = [...answer.refused, ...answer.refused];
  assert.equal(parseRewrapAnswer({ ...answer, refused: twice }, 2), null);
});
