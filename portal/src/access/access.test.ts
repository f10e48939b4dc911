import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccess } from "../api/access.ts";
import { done, fail, problemFailure } from "../api/failure.ts";
import { daysLeft, urgencyOf } from "./days.ts";
import { readCopy, readRequests } from "./read.ts";

const made = { id: "c", form: "pdf", bytes: 6, resources: 1, fileName: "f.pdf", endsAt: "" };
const copy = readCopy(made);
assert.ok(copy !== null);

/** Bytes that come, and then the end or a break. */
function body(text: string, breaks: boolean): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream({
    pull(controller) {
      if (!isSent && text !== "") controller.enqueue(new TextEncoder().encode(text));
      else if (breaks) controller.error(new TypeError("network error"));
      else controller.close();
      isSent = true;
    },
  });
}

/** A server that gives these answers in turn (none at all where the status is 0), and the bytes from which each was asked. */
function serving(answers: readonly { status: number; text: string; breaks?: boolean }[]) {
  const asked: number[] = [];
  const access = createAccess({
    get: async (_path, how) => {
      asked.push(how?.fromByte ?? 0);
      const answer = answers[asked.length - 1];
      if (answer === undefined) return fail(problemFailure("not-found"));
      const { status, text, breaks = false } = answer;
      if (status === 0) return fail({ kind: "offline" });
      return done(new Response(body(text, breaks), { status }));
    },
    post: async () => fail(problemFailure("unexpected")),
  });
  return { access, asked };
}

test("a download that breaks goes on where it was", async () => {
  const { access, asked } = serving([
    { status: 200, text: "abc", breaks: true },
    { status: 206, text: "d", breaks: true },
    { status: 206, text: "ef" },
  ]);
  const told: number[] = [];
  const file = await access.fetchCopy(copy, (bytes) => told.push(bytes));
  assert.ok(file.ok);
  assert.equal(await file.value.text(), "abcdef");
  assert.deepEqual(asked, [0, 3, 4]);
  assert.deepEqual(told, [3, 4, 6]);
});

test("a connection that is lost before its first byte is tried again, and then given up", async () => {
  const lost = { status: 0, text: "" };
  const { access } = serving([lost, { status: 200, text: "abc", breaks: true }, lost, lost, lost]);
  assert.deepEqual(await access.fetchCopy(copy, () => {}), fail({ kind: "offline" }));
  const again = serving([
    lost,
    { status: 200, text: "abc", breaks: true },
    lost,
    { status: 206, text: "def" },
  ]);
  const file = await again.access.fetchCopy(copy, () => {});
  assert.ok(file.ok);
  assert.equal(await file.value.text(), "abcdef");
  assert.deepEqual(again.asked, [0, 0, 3, 3]);
});

test("a whole answer to what was to go on begins anew", async () => {
  const { access } = serving([
    { status: 200, text: "abc", breaks: true },
    { status: 200, text: "abcdef" },
  ]);
  const file = await access.fetchCopy(copy, () => {});
  assert.ok(file.ok);
  assert.equal(await file.value.text(), "abcdef");
});

test("a download that breaks again and again without a byte is given up", async () => {
  const nothing = { status: 206, text: "", breaks: true };
  const { access, asked } = serving(Array.from({ length: 9 }, () => nothing));
  const file = await access.fetchCopy(copy, () => {});
  assert.deepEqual([file.ok, asked.length], [false, 3]);
});

test("a refusal in the middle of a download is told as what it is", async () => {
  const { access } = serving([{ status: 200, text: "abc", breaks: true }]);
  const file = await access.fetchCopy(copy, () => {});
  assert.deepEqual(file, fail(problemFailure("not-found")));
});

test("days are counted on the calendar, whatever clocks do in between", () => {
  assert.equal(daysLeft("2026-03-09", "2026-03-07"), 2);
  assert.equal(daysLeft("2026-11-02", "2026-10-31"), 2);
  assert.equal(daysLeft("2026-01-01", "2026-01-01"), 0);
  assert.equal(daysLeft("2025-12-31", "2026-01-02"), -2);
  assert.deepEqual([-1, 0, 7, 8].map(urgencyOf), ["late", "soon", "soon", "calm"]);
});

const line = {
  id: "r",
  version: 2,
  askedOn: "2026-01-01",
  dueOn: "2026-01-31",
  isOpen: false,
  request: {
    patient: "ana",
    wants: "All",
    form: "pdf",
    now: {
      state: "denied",
      at: "2026-01-05T00:00:00Z",
      role: "privacy-officer",
      byYou: false,
      reason: "A reason",
      grounds: [{ ground: "inmate", cite: "a clause", reviewable: false }],
      inPart: true,
    },
  },
};

test("a request is read with its answer; what cannot be read is left out", () => {
  const [read, ...others] = readRequests({ requests: [line, { ...line, id: 7 }, null, {}] });
  assert.equal(others.length, 0);
  assert.ok(read?.request?.now.state === "denied");
  assert.deepEqual(read.request.now.grounds, line.request.now.grounds);
  const [gone] = readRequests({ requests: [{ ...line, request: null }] });
  assert.equal(gone?.request, null);
  const [odd] = readRequests({
    requests: [{ ...line, request: { ...line.request, now: { state: "lost" } } }],
  });
  assert.equal(odd?.request, null);
});

test("a copy without a name or of an unknown form is none", () => {
  for (const wrong of [null, {}, { ...made, id: "" }, { ...made, form: "docx" }])
    assert.equal(readCopy(wrong), null);
});
