import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { openAuthority } from "#assembly/authority.ts";
import { checkCertificates } from "#assembly/doctor/certificates.ts";
import type { Check, Patient } from "#assembly/doctor/check.ts";
import { checkDatabase } from "#assembly/doctor/database.ts";
import { checkDisks, type DeviceOf } from "#assembly/doctor/disks.ts";
import { examine } from "#assembly/doctor/doctor.ts";
import { checkFips } from "#assembly/doctor/fips.ts";
import { checkKms } from "#assembly/doctor/kms.ts";
import { checkModes } from "#assembly/doctor/modes.ts";
import { checkRing } from "#assembly/doctor/ring.ts";
import { readServerFacts } from "#assembly/doctor/settings-store.ts";
import { checkSpace } from "#assembly/doctor/space.ts";
import { checkClock } from "#assembly/doctor/time.ts";
import { readEnvironment } from "#assembly/environment.ts";
import type { FipsProbe } from "#assembly/fips.ts";
import { openHome, settle } from "#assembly/home.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
import { laterBy, parseInstant, systemClock, type Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import { openKeyHome } from "#keys/keys.ts";
import { cheapCost, testPassphrase } from "#keys/testing.ts";
import { testDatabase } from "#storage/testing.ts";

const dayMs = 86_400_000;
const comparing = (a: string | Buffer, b: string | Buffer): number =>
  String(a) < String(b) ? -1 : 1;

function patientOf(t: TestContext, variables: Record<string, string> = {}): Patient {
  const folder = mkdtempSync(join(tmpdir(), "phylax-doctor-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = openHome(folder);
  assert.ok(home.ok);
  return {
    home: home.value,
    settings: settle(home.value, "empty", systemRandom),
    environment: readEnvironment({ PHYLAX_HOME: folder, ...variables }, folder, false),
    clock: systemClock,
    running: false,
  };
}

async function withKeys(patient: Patient): Promise<void> {
  const opened = await openKeyHome({
    folder: patient.home.file("keys"),
    choice: null,
    passphrase: () => ok(testPassphrase),
    random: systemRandom,
    clock: systemClock,
    tools: kmsTools,
    cost: cheapCost,
  });
  assert.ok(opened.ok);
}

const clockIn = (ms: number): Clock => ({
  ...systemClock,
  now: () => laterBy(systemClock.now(), ms),
});

function only(checks: readonly Check[]): Check {
  assert.equal(checks.length, 1, JSON.stringify(checks));
  return checks[0] ?? assert.fail();
}

const fileKms = { kind: "file", path: null } as const;

suite("the doctor", () => {
  test("finds nothing that fails in a fresh home with keys, and changes no file of it", async (t) => {
    const patient = patientOf(t, { PHYLAX_ROOT_PASSPHRASE: testPassphrase });
    await withKeys(patient);
    await openAuthority(patient.home, systemClock, systemRandom);
    const before = readdirSync(patient.home.path, { recursive: true }).toSorted(comparing);
    const checks = await examine(patient, process.getuid?.() ?? null);
    assert.deepEqual(
      checks.filter(({ name, state }) => state === "fail" && name !== "Disk space"),
      [],
    );
    assert.deepEqual(
      readdirSync(patient.home.path, { recursive: true }).toSorted(comparing),
      before,
    );
    assert.ok(checks.length >= 8);
    assert.ok(checks.every(({ state, next }) => (state === "ok") === (next === null)));
  });

  test("says that a home without its keys does not open, and makes no passphrase", async (t) => {
    const patient = patientOf(t);
    const checks = await examine(patient, process.getuid?.() ?? null);
    const failed = checks.filter(({ state }) => state === "fail").map(({ name }) => name);
    assert.ok(failed.includes("KMS") && failed.includes("Key ring"), failed.join());
    assert.ok(!readdirSync(patient.home.path).includes("passphrase"));
  });
});

suite("the doctor on the home", () => {
  test("finds a file that only the home's own mode guards, and says which", (t) => {
    const patient = patientOf(t);
    const path = patient.home.file("database", "phylax_owner.json");
    writeFileSync(path, "{}");
    chmodSync(path, 0o644);
    const found = only(checkModes(patient, process.getuid?.() ?? null));
    assert.equal(found.state, "warn");
    assert.match(found.says, /phylax_owner\.json/);
    chmodSync(path, 0o600);
    assert.equal(only(checkModes(patient, process.getuid?.() ?? null)).state, "ok");
  });

  test("fails for another user than the owner", (t) => {
    assert.equal(only(checkModes(patientOf(t), 54_321)).state, "fail");
  });
});

suite("the doctor on the KMS", () => {
  test("opens the root key and has it wrap and unwrap", async (t) => {
    const patient = patientOf(t, { PHYLAX_ROOT_PASSPHRASE: testPassphrase });
    await withKeys(patient);
    const found = only(await checkKms(patient, fileKms));
    assert.equal(found.state, "ok", found.says);
    assert.match(found.says, /root\.key; wraps and unwraps in \d+ ms/);
  });

  test("fails for a wrong passphrase and does not print it", async (t) => {
    const patient = patientOf(t, { PHYLAX_ROOT_PASSPHRASE: "a passphrase of somebody else" });
    await withKeys(patient);
    const found = only(await checkKms(patient, fileKms));
    assert.equal(found.state, "fail");
    assert.ok(!JSON.stringify(found).includes("somebody else"));
  });
});

suite("the doctor on disks", () => {
  const devices =
    (found: Readonly<Record<string, number>>): DeviceOf =>
    (path) =>
      Object.entries(found).find(([end]) => path.endsWith(end))?.[1] ?? null;

  test("warns loudly when the passphrase lies on the data's file system", (t) => {
    const patient = patientOf(t, { PHYLAX_ROOT_PASSPHRASE_FILE: "/mnt/words" });
    const device = devices({ postgres: 7, words: 7, "root.key": 8 });
    const found = only(checkDisks(patient, fileKms, device));
    assert.equal(found.state, "warn");
    assert.match(found.says, /THE PASSPHRASE LIES ON THE DATA'S DISK \(\/mnt\/words\)/);
  });

  test("warns of the root key file there, and is content when both lie elsewhere", (t) => {
    const patient = patientOf(t, { PHYLAX_ROOT_PASSPHRASE_FILE: "/mnt/words" });
    const beside = devices({ postgres: 7, words: 9, "root.key": 7 });
    assert.match(only(checkDisks(patient, fileKms, beside)).says, /root key file lies on/);
    const apart = devices({ postgres: 7, words: 9, "root.key": 9 });
    assert.equal(only(checkDisks(patient, fileKms, apart)).state, "ok");
  });

  test("warns of the passphrase that the first start made in the home itself", (t) => {
    const patient = patientOf(t);
    patient.home.file("passphrase", "root");
    writeFileSync(patient.home.file("passphrase", "root"), "x", { mode: 0o600 });
    const found = checkDisks(patient, fileKms, (path) => (path.endsWith("postgres") ? null : 3));
    assert.match(found[0]?.says ?? "", /PASSPHRASE LIES/);
  });

  test("has nothing to say where a database elsewhere holds the data", (t) => {
    const patient = patientOf(t, { DATABASE_URL: "postgres://u@db.example/x" });
    assert.equal(only(checkDisks(patient, fileKms, () => null)).state, "ok");
  });
});

suite("the doctor on the key ring", () => {
  for (const [days, state] of [
    [0, "ok"],
    [366, "warn"],
    [731, "fail"],
  ] as const)
    test(`an epoch of ${days} days is ${state}`, async (t) => {
      const patient = patientOf(t);
      await withKeys(patient);
      const found = await checkRing({ ...patient, clock: clockIn(days * dayMs) });
      assert.equal(found.state, state, found.says);
      assert.equal(found.next, days === 0 ? null : "phylax keys rotate-kek");
    });

  test("a ring file that others may read is not looked into", async (t) => {
    const patient = patientOf(t);
    await withKeys(patient);
    chmodSync(join(patient.home.path, "keys", "key-ring.json"), 0o644);
    assert.equal((await checkRing(patient)).state, "fail");
  });
});

suite("the doctor on FIPS", () => {
  const off: FipsProbe = { enabled: () => false, digest: () => null, worksFor: () => true };
  const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const on: FipsProbe = {
    enabled: () => true,
    digest: (algorithm) => (algorithm === "md5" ? null : sha256),
    worksFor: () => true,
  };
  const named = {
    PHYLAX_FIPS_MODULE: "OpenSSL FIPS 3.1.2",
    PHYLAX_FIPS_CERTIFICATE: "4985 active",
  };

  test("prints module and certificate as configured where a provider is at work", (t) => {
    const found = only(checkFips(patientOf(t, named), on));
    assert.equal(found.state, "ok");
    assert.match(found.says, /module OpenSSL FIPS 3\.1\.2, certificate 4985 active/);
  });

  test("does not take a named module for a working one", (t) => {
    assert.equal(only(checkFips(patientOf(t, named), off)).state, "warn");
    const asked = patientOf(t, { ...named, PHYLAX_FIPS: "required" });
    assert.equal(only(checkFips(asked, off)).state, "fail");
    assert.equal(only(checkFips(asked, { ...on, digest: () => sha256 })).state, "fail");
    assert.equal(only(checkFips(patientOf(t), off)).state, "ok");
  });
});

suite("the doctor on certificates", () => {
  async function certified(t: TestContext): Promise<Patient> {
    const patient = patientOf(t);
    const authority = await openAuthority(patient.home, systemClock, systemRandom);
    for (const role of ["keys", "identity", "records", "gateway", "operator"] as const)
      writeFileSync(
        patient.home.file("certificates", `${role}.json`),
        JSON.stringify(await authority.issueRole(role)),
      );
    await authority.publicIdentity(["localhost"]);
    return { ...patient, running: true };
  }

  test("is content with fresh ones, and names those that will end or have ended", async (t) => {
    const patient = await certified(t);
    assert.equal(only(checkCertificates(patient)).state, "ok");
    const soon = checkCertificates({ ...patient, clock: clockIn(20 * 3_600_000) });
    assert.deepEqual(new Set(soon.map(({ state }) => state)), new Set(["warn"]));
    assert.equal(soon.length, 4);
    const over = checkCertificates({ ...patient, clock: clockIn(91 * dayMs) });
    assert.ok(over.some(({ state, says }) => state === "fail" && says.includes("public")));
  });

  test("minds those of the processes only while they run, and a damaged one always", async (t) => {
    const patient = await certified(t);
    const later = { ...patient, clock: clockIn(2 * dayMs), running: false };
    assert.equal(only(checkCertificates(later)).state, "ok");
    writeFileSync(patient.home.file("authority", "authority.crt"), "nonsense");
    assert.equal(only(checkCertificates(later)).state, "fail");
  });
});

suite("the doctor on space, database and clock", () => {
  test("a nearly full disk is warned of, a full one fails", (t) => {
    const patient = patientOf(t);
    const gib = 1024 ** 3;
    const space = (free: number, all: number): Parameters<typeof checkSpace>[1] => ({
      bsize: gib,
      blocks: all,
      bavail: free,
    });
    assert.equal(checkSpace(patient, space(50, 100)).state, "ok");
    assert.equal(checkSpace(patient, space(9, 100)).state, "warn");
    assert.equal(checkSpace(patient, space(4, 10)).state, "warn");
    assert.equal(checkSpace(patient, space(0, 100)).state, "fail");
  });

  const safe = { fsync: "on", full_page_writes: "on", synchronous_commit: "on" };
  for (const setting of ["fsync", "full_page_writes", "synchronous_commit"] as const)
    test(`${setting} off fails, and the next step turns it on`, () => {
      const facts = ok({ settings: { ...safe, [setting]: "off" }, aheadMs: 0 });
      const found = checkDatabase(facts, { running: true });
      assert.equal(found.state, "fail");
      assert.match(found.next ?? "", new RegExp(`ALTER SYSTEM SET ${setting} = on`));
    });

  test("safe settings are fine; silence fails only while Phylax runs", () => {
    assert.equal(checkDatabase(ok({ settings: safe, aheadMs: 0 }), { running: true }).state, "ok");
    const silent = refuse("storage-unavailable");
    assert.equal(checkDatabase(silent, { running: true }).state, "fail");
    assert.equal(checkDatabase(silent, { running: false }).state, "ok");
  });

  test("a clock behind the newest key, or far from the database's, fails", () => {
    const now = systemClock.now();
    const facts = (aheadMs: number): Parameters<typeof checkClock>[2] =>
      ok({ settings: {}, aheadMs });
    assert.equal(checkClock({ clock: systemClock }, laterBy(now, dayMs), ok(null)).state, "fail");
    assert.equal(checkClock({ clock: systemClock }, null, facts(5_000)).state, "warn");
    assert.equal(checkClock({ clock: systemClock }, null, facts(-90_000)).state, "fail");
    assert.equal(checkClock({ clock: systemClock }, parseInstant(0), facts(0)).state, "ok");
  });
});

test("the doctor reads the settings of a real server as the auditor, and its clock", async (t) => {
  const database = await testDatabase(t);
  const facts = await readServerFacts(
    database.as("phylax_auditor"),
    ["fsync", "synchronous_commit"],
    systemClock,
  );
  assert.deepEqual(Object.keys(facts.settings).toSorted(comparing), [
    "fsync",
    "synchronous_commit",
  ]);
  assert.ok(Math.abs(facts.aheadMs) < 60_000);
});
