import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { runPhylax, startDeployment, type TestDeployment } from "../support/deployment.ts";

interface Rehearsed {
  readonly upToDate: boolean;
  readonly epochs: readonly number[];
  readonly match: { readonly missing: readonly number[] };
}

suite("keys lost and restored from escrow", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let folder: string;
  let pieces: readonly string[];

  before(async () => {
    phylax = await startDeployment();
    folder = join(phylax.home, "..", `${phylax.home.split("/").at(-1)}-escrow`);
    const shares = [1, 3, 4].flatMap((n) => ["--share", join(folder, `share-${n}-of-5.txt`)]);
    pieces = ["--file", join(folder, "escrow.age"), ...shares];
  });
  after(async () => {
    await phylax.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("an escrow is made of the running keys, and rehearsed", async () => {
    const made = await phylax.run("keys", "escrow", "--out", folder);
    assert.equal(made.code, 0, made.err);
    assert.match(made.err, /THE SHARES ARE NOT ENCRYPTED/);
    const rehearsed = await phylax.run("keys", "escrow", "rehearse", ...pieces, "--json");
    assert.equal(rehearsed.code, 0, rehearsed.err);
    const found = JSON.parse(rehearsed.out) as Rehearsed;
    assert.deepEqual([found.upToDate, found.epochs], [true, [1]]);
  });

  test("two shares are refused, and so is a restore while Phylax runs", async () => {
    const few = await phylax.run("keys", "escrow", "rehearse", ...pieces.slice(0, -2));
    assert.equal(few.code, 77);
    assert.match(few.err, /2 shares were given; 3 different ones are needed/);
    const early = await phylax.run("keys", "escrow", "restore", ...pieces);
    assert.equal(early.code, 69);
    assert.match(early.err, /already-running/);
  });

  test("without the keys folder nothing opens; restored under a new passphrase all does", async () => {
    await phylax.stop();
    const keys = join(phylax.home, "keys");
    renameSync(keys, `${keys}.lost`);
    rmSync(join(phylax.home, "passphrase"), { recursive: true });
    const passphrase = join(phylax.home, "new-passphrase");
    writeFileSync(passphrase, "four new words for this test", { mode: 0o600 });
    const restored = await runPhylax(phylax.home, ["keys", "escrow", "restore", ...pieces], {
      PHYLAX_ROOT_PASSPHRASE_FILE: passphrase,
    });
    assert.equal(restored.code, 0, restored.err);
    assert.notEqual(
      readFileSync(join(keys, "root.key"), "utf8"),
      readFileSync(join(`${keys}.lost`, "root.key"), "utf8"),
    );
    // Its identity process opens its own key at the start, and the rotation every patient's.
    const again = await startDeployment({
      home: phylax.home,
      variables: { PHYLAX_ROOT_PASSPHRASE_FILE: passphrase },
    });
    try {
      const verified = await again.run("audit", "verify", "--records");
      assert.equal(verified.code, 0, verified.out + verified.err);
      const status = await again.run("keys", "status", "--json");
      assert.equal(status.code, 0, status.err);
      assert.equal((JSON.parse(status.out) as { lost: number }).lost, 0);
      const stale = await again.run("keys", "rotate-kek");
      assert.equal(stale.code, 0, stale.err);
      const rehearsed = await again.run("keys", "escrow", "rehearse", ...pieces, "--json");
      assert.equal(rehearsed.code, 1, rehearsed.err);
      assert.deepEqual((JSON.parse(rehearsed.out) as Rehearsed).match.missing, [2]);
    } finally {
      await again.stop();
    }
  });
});
