import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { testEntry, testKey, testLog, write } from "#audit/testing.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { deviceReportPage } from "#breach/device-report-page.ts";
import { deviceReport, type DeviceReport } from "#breach/device-report.ts";
import { signFiles, verifyFiles } from "#breach/signed-files.ts";
import type { Window } from "#breach/question.ts";

const [phone, laptop] = [systemRandom.uuid(), systemRandom.uuid()];
const [ana, bob] = [systemRandom.uuid(), systemRandom.uuid()];
const seen = (n: number, known: Partial<AuditEntry>): AuditEntry =>
  testEntry(n, { device: phone, actor: "nurse", patient: ana, count: 1, ...known });

const entries = [
  testEntry(0, { action: "import", patient: ana, resourceType: "Patient", resourceId: "pat-1" }),
  seen(1, { resourceType: "Observation", categories: ["Observation"] }),
  seen(2, { action: "search", resourceType: "Observation", categories: ["HIV"], count: 7 }),
  seen(3, { action: "search", resourceType: "Observation", categories: ["Observation"], count: 2 }),
  seen(4, { patient: bob, actor: "doctor", resourceType: "Condition" }),
  seen(5, { decision: "deny", patient: bob, resourceType: "Condition" }),
  seen(6, { decision: "error", patient: bob, resourceType: "Condition" }),
  seen(7, { device: laptop, patient: bob }),
  seen(8, { action: "unwrap", dekVersion: 1 }),
  seen(9, { patient: null, resourceType: "Organization" }),
];

async function reported(
  t: Parameters<typeof testLog>[0],
  window: Window = { from: null, until: null },
  devices: readonly string[] = [phone],
): Promise<DeviceReport> {
  const { log, database, origin } = await testLog(t);
  await write(log, [entries]);
  const db = database.as("phylax_auditor", 1);
  const report = await deviceReport({ devices, lostAt: null, window }, { db, clock: systemClock });
  assert.ok(report.checkpoints.some((note) => note.startsWith(`${origin}\n${entries.length}\n`)));
  return report;
}

suite("the report of a device", () => {
  test("tells each patient it was let at, with what, how often and when, and nobody else", async (t) => {
    const { patients, totals } = await reported(t);
    assert.deepEqual(totals, { patients: 2, entries: 4, resources: 11, unreadable: 0 });
    const [first, second] = patients;
    assert.deepEqual(
      [first?.patient, first?.id, first?.accounts, first?.first, first?.last],
      [ana, "pat-1", ["nurse"], "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:03.000Z"],
    );
    assert.deepEqual(
      first?.shown.map(({ action, categories, entries: times, resources }) => [
        action,
        categories,
        times,
        resources,
      ]),
      [
        ["read", ["Observation"], 1, 1],
        ["search", ["HIV", "Observation"], 2, 9],
      ],
    );
    assert.match(first?.shown[1]?.lastPlace ?? "", /#3$/);
    assert.deepEqual([second?.patient, second?.id, second?.entries], [bob, null, 1]);
  });

  test("keeps to its window, the end of which is not included", async (t) => {
    const { patients } = await reported(t, {
      from: testEntry(2).time,
      until: testEntry(4).time,
    });
    assert.deepEqual(
      patients.map(({ patient, entries: count }) => [patient, count]),
      [[ana, 2]],
    );
  });

  test("counts all ids of the device together", async (t) => {
    const { totals } = await reported(t, { from: null, until: null }, [phone, laptop]);
    assert.deepEqual([totals.patients, totals.entries], [2, 5]);
  });

  test("is a page that says the same and runs nothing", async (t) => {
    const report = await reported(t);
    const page = deviceReportPage({ ...report, devices: ["<script>alert(1)</script>"] });
    assert.match(page, /let at data of 2 patients: 11 records in 4 entries/);
    assert.match(page, /Patient\/pat-1/);
    assert.match(page, /HIV, Observation/);
    assert.doesNotMatch(page, /<script/);
    assert.doesNotMatch(page, /kept a summary/);
    const at = "2026-01-01T00:00:00.000Z";
    const copy = { lease: "one", device: phone, account: "ana", givenAt: at, renewedAt: at };
    const ended = { openableUntil: "2026-01-04T00:00:00.000Z", endedAt: at, endedBy: "lost" };
    const told = deviceReportPage({ ...report, offline: [{ ...copy, ...ended }] });
    assert.match(
      told,
      /kept a summary of its owner&#39;s own record|kept a summary of its owner's/,
    );
  });
});

suite("signed files", () => {
  const { signer, verifier } = testKey("phylax/test/records");
  const files = new Map([
    ["report.json", Buffer.from("{}")],
    ["report.html", Buffer.from("<p>")],
  ]);
  const read = (name: string): Buffer | null => files.get(name) ?? null;

  test("verify under the key that signed them, and under no other", async () => {
    const note = signFiles(files, signer);
    const good = await verifyFiles(note, read, [verifier]);
    assert.deepEqual(good, { kind: "good", names: ["report.json", "report.html"] });
    const stranger = testKey("phylax/test/records").verifier;
    assert.deepEqual(await verifyFiles(note, read, [stranger]), { kind: "unsigned" });
  });

  test("are told by name when changed or gone", async () => {
    const note = signFiles(files, signer);
    const altered = (name: string): Buffer | null =>
      name === "report.json" ? Buffer.from("{ }") : null;
    assert.deepEqual(await verifyFiles(note, altered, [verifier]), {
      kind: "changed",
      names: ["report.json", "report.html"],
    });
  });

  test("cannot be vouched for by an altered note, or by a checkpoint of the same log", async () => {
    const note = signFiles(files, signer);
    const digest = /[0-9a-f]{64}/.exec(note)?.[0] ?? "";
    for (const forged of [
      note.replace(digest, "0".repeat(64)),
      note.replace("report.html", "report.txt"),
      note.split("\n\n")[0] ?? "",
      signer.sign(`${signer.name}\n7\n${Buffer.alloc(32).toString("base64")}\n`),
      signer.sign("phylax signed files v1\nanother/log\nreport.json sha256 x\n"),
    ])
      assert.deepEqual(await verifyFiles(forged, read, [verifier]), { kind: "unsigned" });
  });

  test("have names that are names", () => {
    for (const name of ["", "../up", "a b", "a\nb", "/etc"])
      assert.throws(() => signFiles(new Map([[name, Buffer.alloc(0)]]), signer), TypeError);
  });
});
