import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createGate } from "#identity/gate.ts";

/** Work that ends when it is told to. */
function held() {
  let release = (): void => {};
  const ended = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { release, work: () => ended };
}

suite("a gate", () => {
  test("runs so many at once and lets the others wait their turn", async () => {
    const gate = createGate({ atOnce: 2, waiting: 10 });
    let running = 0;
    let most = 0;
    const work = async (): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return most;
    };
    const answers = await Promise.all(Array.from({ length: 8 }, () => gate(work)));
    assert.equal(most, 2);
    assert.ok(answers.every((answer) => answer !== null));
  });

  test("turns away whom it has no room for, without running the work", async () => {
    const gate = createGate({ atOnce: 1, waiting: 1 });
    const first = held();
    const one = gate(first.work);
    const two = gate(async () => "two");
    assert.equal(await gate(async () => assert.fail("it ran")), null);
    first.release();
    await one;
    assert.equal(await two, "two");
    assert.equal(await gate(async () => "again"), "again");
  });

  test("gives its place on when the work fails", async () => {
    const gate = createGate({ atOnce: 1, waiting: 1 });
    await assert.rejects(
      gate(() => Promise.reject(new Error("failed"))),
      /failed/,
    );
    assert.equal(await gate(async () => "next"), "next");
  });
});
