import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { peopleWords, personWords, sealedWords } from "#cli/people/say.ts";

const nia = {
  id: "7d2c",
  displayName: "Nia\u001b[2J Cole",
  roles: ["clinician", "proxy"],
  departments: ["Cardiology"],
  assurance: "IAL2",
  status: "active",
};

suite("the words of `phylax people`", () => {
  test("tell a person with role, state and department, and move no terminal's cursor", () => {
    const words = personWords(nia);
    assert.match(words, /^Nia\?\[2J Cole {2}\(clinician, proxy; active\)\n/);
    assert.match(words, /departments Cardiology\n {2}proven +IAL2/);
    assert.ok(!words.includes("\u001b"));
  });

  test("tell for whom she acts and until when", () => {
    const grant = { name: null, patient: "mateo", kind: "parent", state: "active" };
    const endsAt = "2035-01-19T10:00:00.000Z";
    const words = personWords({ ...nia, actsFor: [{ ...grant, endsAt }], actedForBy: [] });
    assert.match(words, /acts for +mateo \(parent, active, until 2035-01-19T10:00:00\.000Z\)/);
  });

  test("say when there is nobody, and where more are", () => {
    assert.equal(peopleWords({ items: [], next: null }), "Nobody of that name.\n");
    assert.match(peopleWords({ items: [nia], next: "9a" }), /There are more: --after 9a\n$/);
  });

  test("show a new envelope's code", () => {
    const made = { displayName: "Night", paperCode: "ABCDE-FGHJK", endsAt: "2027-01-01" };
    assert.match(sealedWords(made), /until 2027-01-01:\n {2}ABCDE-FGHJK\n$/);
  });
});
