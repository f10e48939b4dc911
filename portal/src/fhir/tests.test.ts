import assert from "node:assert/strict";
import { test } from "node:test";
import type { Observed, Part } from "./observation.ts";
import type { Range, Standing } from "./range.ts";
import { groupByTest, seriesOf, type TestHistory } from "./tests.ts";

interface Made {
  readonly at?: string | null;
  readonly value?: number;
  readonly unit?: string;
  readonly comparator?: string;
  readonly standing?: Standing;
  readonly range?: Range;
}

let made = 0;
function observed(of: string, given: Made = {}): Observed {
  const { at = "2025-01-01", value = 1, unit = "mg", comparator = null } = given;
  const part: Part = {
    key: of,
    name: of,
    value: { kind: "quantity", value, unit, comparator },
    range: given.range ?? null,
    standing: given.standing ?? "in-range",
  };
  made += 1;
  const id = `o${made}`;
  return { id, test: of, name: of, at, isFinal: true, parts: [part], performer: null, notes: [] };
}

function only(histories: readonly TestHistory[]): TestHistory {
  const [first, second] = histories;
  assert.ok(first !== undefined && second === undefined);
  return first;
}

test("observations of one test stand together, newest first", () => {
  const old = observed("a", { at: "2023-05" });
  const young = observed("a", { at: "2024-01-01T08:00:00Z" });
  const middle = observed("a", { at: "2023-11-30" });
  const history = only(groupByTest([old, young, middle]));
  assert.equal(history.latest, young);
  assert.deepEqual(history.all, [young, middle, old]);
});

test("an observation without a time is never the latest when another has one", () => {
  const timeless = observed("a", { at: null });
  const unreadable = observed("a", { at: "last spring" });
  const ancient = observed("a", { at: "1952" });
  assert.equal(only(groupByTest([timeless, unreadable, ancient])).latest, ancient);
});

test("tests outside of the usual range stand first, then the newest", () => {
  const names = groupByTest([
    observed("fine and old", { at: "2020" }),
    observed("fine and new", { at: "2025" }),
    observed("low and old", { at: "2019", standing: "low" }),
    observed("not judged", { at: "2024", standing: "unknown" }),
    observed("was high", { at: "2018", standing: "high" }),
    observed("was high", { at: "2021", standing: "in-range" }),
  ]).map(({ name }) => name);
  assert.deepEqual(names, [
    "low and old",
    "fine and new",
    "not judged",
    "was high",
    "fine and old",
  ]);
});

test("a line runs from the oldest point to the newest and has the newest range", () => {
  const range = (high: number): Range => ({ low: 0, high, unit: "mg", text: null });
  const [line] = seriesOf(
    only(
      groupByTest([
        observed("a", { at: "2025-01-01", value: 3, range: range(9) }),
        observed("a", { at: "2023-01-01", value: 1, range: range(7) }),
        observed("a", { at: "2024-01-01", value: 2 }),
      ]),
    ),
  );
  assert.deepEqual(
    line?.points.map(({ value }) => value),
    [1, 2, 3],
  );
  assert.equal(line?.range?.high, 9);
});

test("values of another unit or with a comparator are no points of the line", () => {
  const history = only(
    groupByTest([
      observed("a", { at: "2025", value: 5 }),
      observed("a", { at: "2024", value: 0.05, unit: "g" }),
      observed("a", { at: "2023", value: 4, comparator: "<" }),
      observed("a", { at: "2022", value: 3 }),
    ]),
  );
  assert.deepEqual(
    seriesOf(history)[0]?.points.map(({ value }) => value),
    [3, 5],
  );
});

test("one point makes no line", () => {
  assert.deepEqual(seriesOf(only(groupByTest([observed("a")]))), []);
});
