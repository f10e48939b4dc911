import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { testEntry, testLog, write } from "#audit/testing.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { laterBy, toIso } from "#core/clock.ts";
import { limits } from "#core/limits.ts";
import { systemRandom } from "#core/random.ts";
import { offlineCopies } from "#breach/offline-copies.ts";

const [phone, laptop] = [systemRandom.uuid(), systemRandom.uuid()];
const said = (n: number, lease: string, ...reasons: readonly string[]): AuditEntry =>
  testEntry(n, {
    action: "account-change",
    device: phone,
    actor: "ana",
    patient: null,
    resourceId: lease,
    reasons,
  });
const timeOf = (n: number): string => toIso(testEntry(n).time);
const openable = (n: number): string => toIso(laterBy(testEntry(n).time, limits.offlineLeaseMs));

async function copiesOf(t: TestContext, entries: readonly AuditEntry[]) {
  const { log, database } = await testLog(t);
  await write(log, [entries]);
  return offlineCopies(database.as("phylax_auditor", 1), [phone]);
}

suite("the summaries that a device kept", () => {
  test("are told with their last renewal, and until when each could be opened offline", async (t) => {
    const copies = await copiesOf(t, [
      said(0, "one", "offline-lease-given"),
      said(1, "one", "offline-lease-renewed"),
      said(2, "one", "offline-lease-ended", "signed-out"),
      said(3, "two", "offline-lease-given"),
    ]);
    const who = { device: phone, account: "ana" };
    assert.deepEqual(copies, [
      {
        lease: "one",
        ...who,
        givenAt: timeOf(0),
        renewedAt: timeOf(1),
        openableUntil: openable(1),
        endedAt: timeOf(2),
        endedBy: "signed-out",
      },
      {
        lease: "two",
        ...who,
        givenAt: timeOf(3),
        renewedAt: timeOf(3),
        openableUntil: openable(3),
        endedAt: null,
        endedBy: null,
      },
    ]);
  });

  test("keep apart when the end of one is told after the next was given", async (t) => {
    const copies = await copiesOf(t, [
      said(0, "one", "offline-lease-given"),
      said(1, "two", "offline-lease-given"),
      said(2, "one", "offline-lease-ended", "replaced"),
    ]);
    assert.deepEqual(
      copies.map(({ lease, endedBy }) => [lease, endedBy]),
      [
        ["one", "replaced"],
        ["two", null],
      ],
    );
  });

  test("are not those of another device, nor what was refused, nor other changes", async (t) => {
    const copies = await copiesOf(t, [
      { ...said(0, "far", "offline-lease-given"), device: laptop },
      { ...said(1, "denied", "offline-lease-given"), decision: "deny" },
      said(2, "passkey", "passkey-added"),
      said(3, "unknown", "offline-lease-renewed"),
    ]);
    assert.deepEqual(copies, []);
  });

  test("that were ended count as renewed no more, whoever tried", async (t) => {
    const [copy] = await copiesOf(t, [
      said(0, "one", "offline-lease-given"),
      said(1, "one", "offline-lease-ended", "lost"),
      said(2, "one", "offline-lease-renewed"),
    ]);
    assert.equal(copy?.openableUntil, openable(0));
  });
});
