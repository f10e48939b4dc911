import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { noSoftHsm, softHsmModule, testToken } from "#keys/kms/testing-hsm.ts";
import { openVisitor, signIn, type SignedIn } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

suite("keys that are backed up, restored and moved", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let folder: string;
  let hsm: unknown = null;
  let patient: SignedIn;
  let own = "";
  let child = "";
  const cleanups: (() => Promise<unknown> | void)[] = [];

  before(async () => {
    // Its settings must be in the environment that the deployment is started with.
    if (softHsmModule !== null) hsm = await testToken({ after: (tidy) => cleanups.push(tidy) });
    folder = mkdtempSync(join(tmpdir(), "phylax-restore-"));
    phylax = await startDeployment();
    const visitor = openVisitor(phylax.origin, phylax.authority());
    cleanups.push(() => visitor.close());
    // The session is in the copy of the database, too, and outlives every start.
    patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    const me = await patient.ask("GET", "/api/identity/me");
    const { patients } = JSON.parse(me.text) as { patients: readonly string[] };
    [own = "", child = ""] = patients;
    assert.ok(own !== "" && child !== "");
  });
  after(async () => {
    for (const tidy of cleanups.toReversed()) await tidy();
    await phylax.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const statusOf = async (id: string): Promise<number> =>
    (await patient.ask("GET", `/fhir/Patient/${id}`)).status;

  async function json(code: number, ...args: readonly string[]): Promise<Record<string, unknown>> {
    const ran = await phylax.run("keys", ...args, "--json");
    assert.equal(ran.code, code, `${args.join(" ")}: ${ran.out}${ran.err}`);
    return JSON.parse(ran.out) as Record<string, unknown>;
  }

  const order = ["--reason", "ordered", "--second-officer", "b.okafor", "--yes"];
  const oldBackup = (): string => join(folder, "old.phylax-keys");
  const newBackup = (): string => join(folder, "new.phylax-keys");
  const database = (): string => join(phylax.home, "postgres");

  test("a backup before, a copy of the stopped database, then a patient is shredded: hers is gone, the parent's is read on", async () => {
    assert.deepEqual([await statusOf(own), await statusOf(child)], [200, 200]);
    await json(0, "backup", "--to", oldBackup());
    assert.equal(await phylax.stop(), 0);
    execFileSync("cp", ["-a", database(), join(folder, "postgres")]);
    await phylax.startAgain();
    const shredded = await json(0, "shred", "--patient", child, ...order);
    cpSync(String(shredded["backup"]), newBackup());
    assert.deepEqual([await statusOf(own), await statusOf(child)], [200, 410]);
  });

  test("a restore while Phylax runs is refused", async () => {
    const refused = await phylax.run("keys", "restore", newBackup());
    assert.equal(refused.code, 69, refused.err);
    assert.match(refused.err, /already-running/);
  });

  test("the backup from before the shredding is refused, and so are a damaged and a foreign one", async () => {
    assert.equal(await phylax.stop(), 0);
    const old = await phylax.run("keys", "restore", oldBackup());
    assert.equal(old.code, 77, old.err);
    assert.match(old.err, /older ring/);
    const text = readFileSync(newBackup(), "utf8");
    const damaged = join(folder, "damaged.phylax-keys");
    writeFileSync(damaged, text.replace('["key","organisation",1', '["key","organisation",2'));
    assert.match((await phylax.run("keys", "restore", damaged)).err, /checksum/);
    const { tenant } = JSON.parse(readFileSync(join(phylax.home, "settings.json"), "utf8")) as {
      tenant: string;
    };
    const settings = join(phylax.home, "settings.json");
    const kept = readFileSync(settings, "utf8");
    writeFileSync(settings, kept.replace(tenant, tenant.replace(/^./, "0").replace(/.$/, "1")));
    const foreign = await phylax.run("keys", "restore", newBackup());
    writeFileSync(settings, kept);
    assert.equal(foreign.code, 77);
    assert.match(foreign.err, /another deployment/);
  });

  test("with the old data and the newest keys the shredded patient never opens, the survivor does, and the log verifies", async () => {
    rmSync(database(), { recursive: true });
    execFileSync("cp", ["-a", join(folder, "postgres"), database()]);
    const restored = await json(0, "restore", newBackup());
    assert.deepEqual([restored["keysLost"], restored["setAside"]], [0, null]);
    assert.ok(Number(restored["keysDestroyed"]) >= 1);
    assert.ok(Number(restored["keysReplaced"]) > 100);
    await phylax.startAgain();
    assert.deepEqual([await statusOf(own), await statusOf(child)], [200, 410]);
    const status = await json(0, "status");
    assert.deepEqual([status["lost"], status["shredded"], status["underOlderEpochs"]], [0, 1, 0]);
    const resealed = await json(0, "reseal", "--patient", own);
    assert.deepEqual([resealed["patients"], resealed["damaged"]], [1, 0]);
    const verified = await phylax.run("audit", "verify");
    assert.equal(verified.code, 0, verified.out + verified.err);
  });

  test(
    "the root key moves from its file to an HSM while records are read, and the next start asks the HSM",
    noSoftHsm,
    async () => {
      const choice = join(folder, "hsm.json");
      writeFileSync(choice, JSON.stringify(hsm));
      const state = { going: true };
      const answers: number[] = [];
      const reading = (async () => {
        while (state.going) answers.push(await statusOf(own));
      })();
      const moved = await json(0, "move-kms", choice);
      // Needs a key that no process has in memory.
      await json(0, "reseal", "--patient", own);
      state.going = false;
      await reading;
      assert.deepEqual([moved["from"], moved["to"]], ["file", "pkcs11"]);
      assert.ok(answers.length > 3);
      assert.deepEqual([...new Set(answers)], [200]);
      rmSync(join(phylax.home, "keys", "root.key"), { force: true });
      assert.equal(await phylax.stop(), 0);
      await phylax.startAgain();
      assert.equal(await statusOf(own), 200);
      assert.equal((await json(0, "status"))["kms"], "pkcs11");
      const rotated = await json(0, "rotate-kek", "--retire-old");
      assert.deepEqual(rotated["stuck"], []);
    },
  );
});
