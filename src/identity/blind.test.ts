import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { createBlind, normalLogin } from "#identity/blind.ts";

suite("a blind hash", () => {
  const blind = createBlind(Buffer.alloc(32, 1));

  test("is the same for the same kind, text and key, and no other", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        assert.ok(blind("login", one).equals(blind("login", one)));
        assert.equal(blind("login", one).equals(blind("login", other)), one === other);
        assert.ok(!blind("login", one).equals(blind("browser", one)));
        assert.ok(!createBlind(Buffer.alloc(32, 2))("login", one).equals(blind("login", one)));
      }),
    );
  });

  test("has one form for all spellings of a user name", () => {
    for (const spelling of ["ana.lima", " Ana.LIMA ", "ａｎａ.lima", "ana\u002elima"])
      assert.equal(normalLogin(spelling), "ana.lima");
    assert.equal(normalLogin("JOS\u00c9"), normalLogin("jose\u0301"));
  });

  test("normalising a user name twice changes nothing more", () => {
    fc.assert(
      fc.property(fc.string(), (login) => {
        assert.equal(normalLogin(normalLogin(login)), normalLogin(login));
      }),
    );
  });
});
