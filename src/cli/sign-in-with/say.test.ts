import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { addedWords, listWords } from "#cli/sign-in-with/say.ts";

const house = {
  id: "st-mary",
  label: "St. Mary Hospital",
  issuer: "https://login.st-mary.example",
  clientId: "phylax",
  assurance: { kind: "amr", values: ["mfa", "hwk"] },
  sso: false,
};

suite("the words of sign-in-with", () => {
  test("tell each provider with what is asked of it", () => {
    const words = listWords({ providers: [house], waiting: [], linked: [] });
    assert.match(words, /st-mary {2}"St\. Mary Hospital"/);
    assert.match(words, /amr mfa or hwk/);
    assert.match(words, /each time {2}yes/);
    assert.doesNotMatch(words, /Waiting|Linked/);
  });

  test("keep a name from moving the terminal's cursor", () => {
    const person = {
      reference: "7Q4KZ0XM",
      name: "Nia\u001b[2J\u202eColé",
      email: "nia@st-mary.example",
      provider: "st-mary",
      sub: "4711\n",
      expiresAt: "2026-01-01T00:00:00.000Z",
    };
    const words = listWords({ providers: [house], waiting: [person], linked: [] });
    assert.match(words, /7Q4KZ0XM {2}Nia\?\[2J\?Colé <nia@st-mary\.example>/);
    for (const moving of ["\u001b", "\u202e"]) assert.ok(!words.includes(moving));
    assert.match(words, /subject 4711\?, until/);
  });

  test("say so when there is nothing, and what to register when there is", () => {
    assert.match(listWords({ providers: [] }), /no other house/);
    assert.match(addedWords({ redirectUri: "https://h/cb" }), /\n {2}https:\/\/h\/cb\n/);
  });
});
