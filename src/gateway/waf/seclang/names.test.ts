import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { operatorNamed, operatorNames } from "./operator-name.ts";
import { transformationNamed, transformationNames } from "./transformation-name.ts";

suite("names of operators and transformations", () => {
  test("every name is found again however its letters are cased", () => {
    for (const name of operatorNames) {
      assert.equal(operatorNamed(name.toUpperCase()), name);
      assert.equal(operatorNamed(name.toLowerCase()), name);
    }
    for (const name of transformationNames) {
      assert.equal(transformationNamed(name.toUpperCase()), name);
    }
  });

  test("the short and the older spellings lead to the same name", () => {
    assert.equal(operatorNamed("pmf"), "pmFromFile");
    assert.equal(operatorNamed("ipMatchF"), "ipMatchFromFile");
    assert.equal(transformationNamed("normalisePathWin"), "normalizePathWin");
  });

  test("a name of no operator and of no transformation is none, even one every object has", () => {
    for (const name of ["", "rx2", "constructor", "__proto__", "none", "inspectFile"]) {
      assert.equal(operatorNamed(name), null);
      assert.equal(transformationNamed(name), null);
    }
  });
});
