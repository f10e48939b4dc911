import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { followRebuild, type Following } from "#cli/keys/follow-rebuild.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

const state = (changed: object): object => ({
  began: false,
  version: 3,
  done: 0,
  total: 10,
  ended: false,
  obstacle: null,
  ...changed,
});

function following(answers: readonly Result<unknown>[]): {
  readonly given: Following;
  readonly asked: readonly boolean[];
  readonly seen: readonly number[];
  readonly announced: readonly number[];
} {
  const left = [...answers];
  const asked: boolean[] = [];
  const seen: number[] = [];
  const announced: number[] = [];
  const given: Following = {
    ask: async (start) => {
      asked.push(start);
      return left.shift() ?? refuse("upstream-unavailable");
    },
    announce: async (patients) => {
      announced.push(patients);
      return ok(null);
    },
    wait: async () => {},
    onProgress: ({ done }) => seen.push(done),
  };
  return { given, asked, seen, announced };
}

suite("following a build of the blind indexes", () => {
  test("begins it once, announces it to the keys process and looks on until it has ended", async () => {
    const { given, asked, seen, announced } = following([
      ok(state({ began: true, done: 1 })),
      ok(state({ done: 4 })),
      ok(state({ done: 10, ended: true })),
    ]);
    const built = await followRebuild(given);
    assert.ok(built.ok);
    assert.deepEqual([built.value.began, built.value.done], [true, 10]);
    assert.deepEqual(asked, [true, false, false]);
    assert.deepEqual(seen, [1, 4, 10]);
    assert.deepEqual(announced, [9]);
  });

  test("tells what holds it up instead of looking on for ever", async () => {
    const { given } = following([ok(state({ obstacle: "key-brake" }))]);
    const built = await followRebuild(given);
    assert.equal(built.ok ? null : built.problem.code, "key-brake");
  });

  test("does not take a foreign answer for progress", async () => {
    const { given } = following([ok({ hello: "world" })]);
    const built = await followRebuild(given);
    assert.equal(built.ok ? null : built.problem.code, "upstream-unavailable");
  });
});
