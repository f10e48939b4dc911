import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytes } from "node:crypto";
import type { Result } from "#core/result.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { FakeService, Mood } from "#keys/kms/testing-service.ts";
import type { Cleanup } from "#keys/testing.ts";

export function codeOf(result: Result<unknown>): string {
  assert.ok(!result.ok);
  return result.problem.code;
}

export interface ServiceKms {
  readonly kms: Kms;
  readonly service: FakeService;
}

/** Longer than any adapter may take to give up. */
const patienceMs = 6_000;

/** What every KMS behind a network promises; `open` makes a fresh service and its adapter. */
export function keepsPromises(name: string, open: (t: Cleanup) => Promise<ServiceKms>): void {
  void test(`${name}: what it wrapped it unwraps, and only in the same context`, async (t) => {
    const { kms } = await open(t);
    const kek = randomBytes(32);
    const wrapped = await kms.wrap(kek, "phylax kek v1 ring 1");
    assert.ok(wrapped.ok, wrapped.ok ? "" : wrapped.problem.detail);
    assert.ok(wrapped.value.length >= 48 && wrapped.value.length <= 1_024);
    assert.deepEqual(await kms.unwrap(wrapped.value, "phylax kek v1 ring 1"), {
      ok: true,
      value: kek,
    });
    const elsewhere = await kms.unwrap(wrapped.value, "phylax kek v1 ring 2");
    assert.equal(codeOf(elsewhere), "root-key-refused");
  });

  void test(`${name}: the root key of another service opens nothing`, async (t) => {
    const [one, other] = [await open(t), await open(t)];
    const wrapped = await one.kms.wrap(randomBytes(32), "context");
    assert.ok(wrapped.ok);
    assert.equal(codeOf(await other.kms.unwrap(wrapped.value, "context")), "root-key-refused");
  });

  void test(`${name}: a changed byte is refused`, async (t) => {
    const { kms } = await open(t);
    const wrapped = await kms.wrap(randomBytes(32), "context");
    assert.ok(wrapped.ok);
    const at = wrapped.value.length - 5;
    wrapped.value.writeUInt8(wrapped.value.readUInt8(at) === 65 ? 66 : 65, at);
    assert.equal(codeOf(await kms.unwrap(wrapped.value, "context")), "root-key-refused");
  });

  const moods: readonly Mood[] = ["silent", "garbage", "endless", "error"];
  for (const mood of moods)
    void test(`${name}: a service that is ${mood} is unavailable within the limit`, async (t) => {
      const { kms, service } = await open(t);
      const wrapped = await kms.wrap(randomBytes(32), "context");
      assert.ok(wrapped.ok);
      service.mood = mood;
      const began = performance.now();
      const results = [kms.wrap(randomBytes(32), "context"), kms.unwrap(wrapped.value, "context")];
      for (const result of await Promise.all(results))
        assert.equal(codeOf(result), "key-unavailable");
      assert.ok(performance.now() - began < patienceMs);
    });

  void test(`${name}: a service that is gone is unavailable, with words for the operator`, async (t) => {
    const { kms, service } = await open(t);
    await service.stop();
    const result = await kms.wrap(randomBytes(32), "context");
    assert.equal(codeOf(result), "key-unavailable");
    assert.ok(!result.ok && (result.problem.detail ?? "").length > 10);
  });
}
