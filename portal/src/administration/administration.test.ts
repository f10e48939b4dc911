import assert from "node:assert/strict";
import { test } from "node:test";
import { readPeople, readRegisteredApps, readWholePerson } from "./read.ts";

const person = { id: "p", displayName: "Jo", status: "active", roles: ["clinician", "wizard"] };

test("a person whose standing is not known is shown to nobody as active", () => {
  assert.equal(readPeople({ items: [{ ...person, status: "odd" }] })?.items.length, 0);
  assert.equal(readPeople({}), null);
});

test("roles that are not known are left out, and no proof is taken for granted", () => {
  const read = readWholePerson({ ...person, assurance: "IAL9" });
  assert.deepEqual(read?.roles, ["clinician"]);
  assert.equal(read?.assurance, "none");
  assert.deepEqual(read?.actsFor, []);
});

test("apps that wait for a decision stand first", () => {
  const app = { kind: "public", binding: "dpop" };
  const items = [
    { ...app, id: "a", status: "revoked" },
    { ...app, id: "b", status: "approved" },
    { ...app, id: "c", status: "pending" },
    { ...app, id: "d", status: "unheard of" },
  ];
  assert.deepEqual(
    readRegisteredApps({ items })?.map(({ id }) => id),
    ["c", "b", "a"],
  );
});
