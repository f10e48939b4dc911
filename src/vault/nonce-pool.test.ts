import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import { createNoncePool } from "#vault/nonce-pool.ts";
import { clockJumpMs } from "#vault/run-watch.ts";

/** A pool whose nonces tell the block that they were drawn in. */
interface Pools {
  readonly next: () => string;
  /** Blocks drawn until now. */
  readonly drawn: () => number;
  readonly at: { wallMs: number; monotonicMs: number; pid: number };
}

function pool(): Pools {
  let drawn = 0;
  const at = { wallMs: 1_700_000_000_000, monotonicMs: 5_000, pid: 100 };
  const random: Pick<Random, "bytes"> = {
    bytes: (count) => {
      drawn += 1;
      const block = Buffer.alloc(count);
      for (let n = 0; n < count / 12; n += 1) block.writeUInt32BE(n, n * 12);
      for (let n = 0; n < count / 12; n += 1) block[n * 12 + 4] = drawn;
      return block;
    },
  };
  const nonce = createNoncePool({
    random: { ...random, uuid: () => "" },
    clock: { now: () => at.wallMs as Instant, monotonicMs: () => at.monotonicMs },
    pid: () => at.pid,
  });
  return { next: () => nonce().toString("hex"), drawn: () => drawn, at };
}

function pass({ at }: Pools, ms: number): void {
  at.wallMs += ms;
  at.monotonicMs += ms;
}

test("while a process goes on, one block lasts its nonces and no longer", () => {
  const pools = pool();
  const given = new Set<string>();
  for (let n = 0; n < 1_024; n += 1) {
    given.add(pools.next());
    pass(pools, 10);
  }
  assert.deepEqual([given.size, pools.drawn()], [1_024, 1]);
  pools.next();
  assert.equal(pools.drawn(), 2);
});

test("a fork uses none of the nonces that its parent drew", () => {
  const pools = pool();
  const before = pools.next();
  pools.at.pid = 101;
  assert.notEqual(pools.next().slice(8, 10), before.slice(8, 10));
  assert.equal(pools.drawn(), 2);
  pools.next();
  assert.equal(pools.drawn(), 2);
});

test("after a snapshot is resumed, nothing drawn before it is used", () => {
  const pools = pool();
  pools.next();
  // The machine's own clock stood still while it was not there; the wall clock did not.
  pools.at.wallMs += 60_000;
  pools.next();
  assert.equal(pools.drawn(), 2);
});

test("a clock set back costs a block and repeats no nonce", () => {
  const pools = pool();
  const given = [pools.next(), pools.next()];
  pools.at.wallMs -= 3_600_000;
  given.push(pools.next(), pools.next());
  pools.at.wallMs += 3_600_000;
  given.push(pools.next());
  assert.equal(new Set(given).size, 5);
  assert.equal(pools.drawn(), 3);
});

test("a clock that is slewed little by little costs nothing", () => {
  const pools = pool();
  for (let n = 0; n < 1_000; n += 1) {
    pools.next();
    pass(pools, 1_000);
    pools.at.wallMs += clockJumpMs / 2;
  }
  assert.equal(pools.drawn(), 1);
});
