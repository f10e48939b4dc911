import assert from "node:assert/strict";
import { test } from "node:test";
import { createAskJson } from "../api/ask-json.ts";
import { done, fail, problemFailure } from "../api/failure.ts";
import { readGrants } from "./grants.ts";
import { readInvitation } from "./invitation.ts";
import { readDeviceLink, readWaitingDevices } from "./second-device.ts";
import { readApps, readCodes, readCodesLeft, readPasskeys, readSessions } from "./read.ts";

test("what is no list is told from an empty one", () => {
  for (const read of [readPasskeys, readSessions, readApps]) {
    assert.equal(read(null), null);
    assert.equal(read({ items: "none" }), null);
    assert.deepEqual(read({ items: [] }), []);
    assert.deepEqual(read({ items: [{ name: "without an id" }, 7] }), []);
  }
  assert.equal(readGrants({ forMe: [] }), null);
});

test("the session that asks stands first", () => {
  const sessions = readSessions({ items: [{ id: "a" }, { id: "b", isThis: true }] });
  assert.deepEqual(
    sessions?.map(({ id }) => id),
    ["b", "a"],
  );
});

test("an app without a name is called by its id", () => {
  assert.equal(readApps({ items: [{ id: "x" }] })?.[0]?.name, "x");
});

test("no codes at all are no answer, and none left is one", () => {
  assert.equal(readCodes({ codes: [] }), null);
  assert.equal(readCodesLeft({ left: 0 }), 0);
  assert.equal(readCodesLeft({}), null);
});

test("an invitation leads to our own sign-up page or is none", () => {
  assert.equal(readInvitation({ enrolPath: "https://elsewhere.example/enrol#token=x" }), null);
  assert.equal(readInvitation({ enrolPath: "/enrol#token=x" })?.code, null);
});

test("an answer that cannot be read is a fault of ours, a refusal stays what it is", async () => {
  const answers = [done(new Response("<html>")), fail(problemFailure("step-up-needed"))];
  const get = async () => answers.shift() ?? fail({ kind: "offline" });
  const ask = createAskJson({ get, post: get, send: get });
  assert.deepEqual(await ask.get("/x", readPasskeys), fail(problemFailure("unexpected")));
  assert.deepEqual(await ask.send("DELETE", "/x"), fail(problemFailure("step-up-needed")));
});

test("a device without a number to compare is not shown, nor a link to elsewhere", () => {
  assert.deepEqual(readWaitingDevices({ items: [{ id: "a", name: "x" }] }), []);
  assert.equal(readDeviceLink({ enrolPath: "//elsewhere/enrol#t", expiresAt: "x" }), null);
});
