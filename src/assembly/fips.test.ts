import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import { fipsRefusal, systemFipsProbe, testFips, type FipsProbe } from "#assembly/fips.ts";

const sha256 = systemFipsProbe.digest("sha256");

/** A provider that is as it should be, but for what a test says. */
const provider = (otherwise: Partial<FipsProbe> = {}): FipsProbe => ({
  enabled: () => true,
  digest: (algorithm) => (algorithm === "md5" ? null : sha256),
  worksFor: () => true,
  ...otherwise,
});

suite("the FIPS self-test", () => {
  test("believes a provider that refuses MD5 and does what is approved", () => {
    assert.deepEqual(testFips(provider()), { state: "on" });
    assert.equal(fipsRefusal(true, provider()), null);
  });

  test("does not believe the switch when MD5 still works", () => {
    const found = testFips(provider({ digest: systemFipsProbe.digest }));
    assert.equal(found.state, "unproven");
    assert.match(
      fipsRefusal(true, provider({ digest: systemFipsProbe.digest }))?.detail ?? "",
      /MD5/,
    );
  });

  test("does not believe the switch when there is nothing behind it", () => {
    const hollow = provider({ digest: () => null });
    assert.match(fipsRefusal(true, hollow)?.detail ?? "", /no FIPS provider behind it/);
  });

  test("names the approved algorithm that a provider lacks, and what for", () => {
    const old = provider({ worksFor: (use) => use !== "Ed25519" });
    assert.match(fipsRefusal(true, old)?.detail ?? "", /Ed25519: the audit log is signed/);
  });

  test("refuses nothing where FIPS was not asked for", () => {
    assert.equal(fipsRefusal(false, provider({ enabled: () => false })), null);
  });

  test("every trial of an approved algorithm passes on this node:crypto", () => {
    for (const use of ["AES-256-GCM", "Ed25519", "ECDSA P-256", "PBKDF2"] as const)
      assert.equal(systemFipsProbe.worksFor(use), true, use);
  });

  test("sees through Node's own switch, which turns on with no provider installed", (t) => {
    // In a process of its own: afterwards its crypto is of no use.
    const script = `
      import { setFips } from "node:crypto";
      import { systemFipsProbe, testFips } from "#assembly/fips.ts";
      try { setFips(true); } catch { console.log("no-switch"); process.exit(0); }
      console.log(JSON.stringify(testFips(systemFipsProbe)));`;
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      cwd: new URL("../..", import.meta.url),
    });
    assert.equal(ran.status, 0, ran.stderr);
    if (ran.stdout.includes('"on"')) t.skip("a FIPS provider is installed here");
    else assert.match(ran.stdout, /no-switch|"unproven"/);
  });
});
