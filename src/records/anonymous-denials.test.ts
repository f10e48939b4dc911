import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { AuditEntry } from "#core/audit-entry.ts";
import { systemClock } from "#core/clock.ts";
import { parseRequestId } from "#core/ids.ts";
import {
  countAnonymousDenials,
  denialLimits,
  type AnonymousDenials,
} from "#records/anonymous-denials.ts";

const requestId = parseRequestId("00000000-0000-4000-8000-000000000001") ?? assert.fail();
const from = (address: string): Parameters<AnonymousDenials["note"]>[2] => ({
  address,
  zone: "internet",
  requestId,
});

function counting(t: TestContext): {
  denials: AnonymousDenials;
  logged: AuditEntry[];
  log: { isUp: boolean };
} {
  const logged: AuditEntry[] = [];
  const log = { isUp: true };
  const denials = countAnonymousDenials({
    clock: systemClock,
    record: (entries) => {
      if (log.isUp) logged.push(...entries);
      return Promise.resolve(log.isUp);
    },
  });
  t.after(() => denials.close());
  return { denials, logged, log };
}

test("refusals of one kind from one address make one entry with their number", async (t) => {
  const { denials, logged } = counting(t);
  for (let n = 0; n < 5; n += 1) denials.note("read", "token-missing", from("192.0.2.1"));
  denials.note("read", "token-expired", from("192.0.2.1"));
  denials.note("read", "token-missing", from("192.0.2.2"));
  denials.note("search", "token-missing", from("192.0.2.1"));
  await denials.flush();
  const counted = logged.map(({ action, reasons, address, count }) =>
    [action, reasons.join(), address, count].join(" "),
  );
  assert.deepEqual(counted.toSorted(), [
    "read token-expired 192.0.2.1 1",
    "read token-missing 192.0.2.1 5",
    "read token-missing 192.0.2.2 1",
    "search token-missing 192.0.2.1 1",
  ]);
  assert.ok(logged.every(({ decision, actor }) => decision === "deny" && actor === null));
});

test("nothing is logged when nothing was refused", async (t) => {
  const { denials, logged } = counting(t);
  await denials.flush();
  assert.deepEqual(logged, []);
});

test("what could not be logged is counted on", async (t) => {
  const { denials, logged, log } = counting(t);
  log.isUp = false;
  denials.note("read", "token-missing", from("192.0.2.1"));
  await denials.flush();
  denials.note("read", "token-missing", from("192.0.2.1"));
  log.isUp = true;
  await denials.flush();
  assert.deepEqual(
    logged.map(({ count }) => count),
    [2],
  );
});

test("a flood from ever new addresses takes no more than its room, and none of it goes uncounted", async (t) => {
  const { denials, logged } = counting(t);
  const flood = denialLimits.kinds * 3;
  for (let n = 0; n < flood; n += 1) denials.note("read", "token-missing", from(`2001:db8::${n}`));
  await denials.flush();
  assert.ok(logged.length <= denialLimits.kinds + 1);
  assert.equal(
    logged.reduce((sum, { count }) => sum + count, 0),
    flood,
  );
  assert.ok(logged.some(({ address, count }) => address === null && count > 1));
});

test("closing logs what was counted", async (t) => {
  const { denials, logged } = counting(t);
  denials.note("read", "forbidden", null);
  await denials.close();
  assert.equal(logged.length, 1);
});
