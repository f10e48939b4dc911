import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { getFips } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { runPhylax } from "../support/deployment.ts";

function freshHome(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "phylax-fips-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "home");
}

const skip = getFips() === 1 && "this Node runs on a FIPS provider";

suite("FIPS mode asked for, without a provider", { skip, timeout: 60_000 }, () => {
  test("stops the start before anything is made", async (t) => {
    const home = freshHome(t);
    const ended = await runPhylax(home, ["start", "--empty"], { PHYLAX_FIPS: "required" });
    assert.equal(ended.code, 78, ended.out);
    assert.match(ended.err, /fips-unavailable/);
    assert.equal(existsSync(home), false);
  });

  for (const role of ["keys", "identity", "records", "gateway"])
    test(`stops the ${role} process alone`, async (t) => {
      const args = ["start", "--role", role];
      const ended = await runPhylax(freshHome(t), args, { PHYLAX_FIPS: "required" });
      assert.equal(ended.code, 78, ended.out);
      assert.match(ended.err, /"event":"refused-to-start","code":"fips-unavailable"/);
    });

  test("stops a command that would touch keys, and one whose wish is misspelt", async (t) => {
    const args = ["keys", "escrow", "restore", "--file", "x"];
    for (const PHYLAX_FIPS of ["required", "requried"]) {
      const ended = await runPhylax(freshHome(t), args, { PHYLAX_FIPS });
      assert.equal(ended.code, 78);
      assert.match(ended.err, /fips-unavailable/);
    }
  });

  test("is not asked for by off", async (t) => {
    const ended = await runPhylax(freshHome(t), ["status"], { PHYLAX_FIPS: "off" });
    assert.equal(ended.code, 69);
    assert.doesNotMatch(ended.err, /fips/);
  });
});
