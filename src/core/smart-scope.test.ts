import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseSmartScope } from "#core/smart-scope.ts";

suite("a scope of SMART", () => {
  test("names context, type, letters and filter", () => {
    assert.deepEqual(parseSmartScope("patient/Observation.rs?category=laboratory"), {
      context: "patient",
      type: "Observation",
      letters: "rs",
      filter: "category=laboratory",
    });
    assert.deepEqual(parseSmartScope("system/*.cruds"), {
      context: "system",
      type: "*",
      letters: "cruds",
      filter: null,
    });
    const coded = "user/Condition.s?category=http://example.org/a|b&code=1";
    assert.equal(parseSmartScope(coded)?.filter, "category=http://example.org/a|b&code=1");
  });

  test("of the first version means what the second says of it", () => {
    for (const [word, letters] of [
      ["read", "rs"],
      ["write", "cud"],
      ["*", "cruds"],
    ])
      assert.equal(parseSmartScope(`user/Patient.${word}`)?.letters, letters);
  });

  test("is nothing else", () => {
    for (const text of [
      "openid",
      "user/*.sr",
      "user/*.",
      "user/*",
      "user/observation.r",
      "USER/*.r",
      "user/*.r extra",
      "user/*.rs?category=x",
      "user/Observation.rs?",
      "user/Observation.rs?category",
      "user/Observation.rs?category=",
      "user/Observation.rs?_id=x",
      "user/Observation.rs?code:not=x",
      "user/Observation.rs?subject.name=x",
      "user/Observation.rs?code=a&",
      `user/Observation.rs?code=${"a".repeat(500)}`,
    ])
      assert.equal(parseSmartScope(text), null, text);
  });

  test("is read from no text that is not written so", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^(patient|user|system)\//.test(text));
        assert.equal(parseSmartScope(text), null);
      }),
    );
  });
});
