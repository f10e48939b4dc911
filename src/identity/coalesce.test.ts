import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { array, assert as holds, asyncProperty, nat } from "fast-check";
import { coalesce } from "#identity/coalesce.ts";

suite("questions that are asked together", () => {
  test("each get their own answer, whatever came before them", async () => {
    await holds(
      asyncProperty(array(array(nat(), { maxLength: 150 })), async (rounds) => {
        const find = coalesce(async (keys: readonly number[]) => keys.map((key) => key * 2));
        for (const round of rounds)
          assert.deepEqual(
            await Promise.all(round.map((key) => find(key))),
            round.map((key) => key * 2),
          );
      }),
    );
  });

  test("are one while another is under way, of sixty-four at most", async () => {
    const asked: number[] = [];
    const find = coalesce(async (keys: readonly number[]) => {
      asked.push(keys.length);
      return keys;
    });
    await Promise.all(Array.from({ length: 100 }, (_, key) => find(key)));
    assert.deepEqual(asked, [1, 64, 35]);
  });

  test("fail together, and leave the next alone", async () => {
    let isDown = true;
    const find = coalesce(async (keys: readonly number[]) => {
      if (isDown) throw new Error("no database");
      return keys;
    });
    await assert.rejects(find(1), /no database/);
    isDown = false;
    assert.equal(await find(2), 2);
  });

  test("never wait for ever when an answer is left out", async () => {
    const find = coalesce(async (keys: readonly number[]) => keys.slice(1));
    await assert.rejects(find(1), /missing/);
  });
});
