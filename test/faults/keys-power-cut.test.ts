import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runPhylax, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { processesOf } from "../support/processes.ts";

const imageBytes = 512 * 1024 * 1024;
const patientsPerFile = 25;
/** A file system of its own, with a journal as an ordinary disk has it. */
const makeFileSystem = ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-m", "0"];

/** What is missing to mount an image; null when nothing is. */
function missing(): string | null {
  if (process.getuid?.() !== 0) return "only root may mount an image";
  for (const program of ["mkfs.ext4", "mount", "umount"])
    if (spawnSync("which", [program]).status !== 0) return `${program} is not installed`;
  const probe = spawnSync("losetup", ["-f"]);
  return probe.status === 0 ? null : "there is no loop device";
}

const why = missing();

suite(
  "a power cut while records are written and keys are rotated",
  { timeout: 300_000, ...(why === null ? {} : { skip: why }) },
  () => {
    let folder: string;
    let phylax: TestDeployment;
    let again: TestDeployment | null = null;
    const mounts: string[] = [];

    const mount = (image: string, at: string): void => {
      mkdirSync(at, { mode: 0o700 });
      execFileSync("mount", ["-o", "loop", image, at], { stdio: "pipe" });
      mounts.push(at);
      execFileSync("chmod", ["700", at]);
    };

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "phylax-cut-"));
      const image = join(folder, "disk.img");
      writeFileSync(image, "");
      truncateSync(image, imageBytes);
      execFileSync("mkfs.ext4", [...makeFileSystem, image], { stdio: "pipe" });
      mount(image, join(folder, "home"));
      phylax = await startDeployment({ args: ["--empty"], home: join(folder, "home") });
    });
    after(async () => {
      await again?.stop();
      for (const at of mounts) spawnSync("umount", ["-l", at]);
      rmSync(folder, { recursive: true, force: true });
    });

    const fileOf = (n: number): string => {
      const path = join(folder, `batch-${n}.ndjson`);
      const lines = Array.from({ length: patientsPerFile }, (_, i) =>
        JSON.stringify({ resourceType: "Patient", id: `p${n}-${i}`, gender: "unknown" }),
      );
      writeFileSync(path, lines.join("\n"));
      return path;
    };

    /** Everything dies at once, and the disk keeps what had reached it by then. */
    async function cutPower(): Promise<string> {
      const copy = join(folder, "after-the-cut.img");
      for (const pid of processesOf(phylax.home)) process.kill(pid, "SIGKILL");
      copyFileSync(join(folder, "disk.img"), copy);
      const end = performance.now() + 10_000;
      while (processesOf(phylax.home).length > 0 && performance.now() < end) await sleep(20);
      return copy;
    }

    const acknowledged: string[] = [];
    let epochs = 0;

    test("loses no write that was acknowledged, nor an epoch, and nothing fails to open", async () => {
      const state = { going: true };
      const writing = (async () => {
        for (let n = 0; state.going; n += 1) {
          const path = fileOf(n);
          const { code } = await runPhylax(phylax.home, ["import", path]);
          if (code === 0 && state.going) acknowledged.push(path);
        }
      })();
      while (acknowledged.length < 2) await sleep(50);
      for (const kekEpoch of [2, 3]) {
        const rotated = await phylax.run("keys", "rotate-kek", "--retire-old", "--json");
        assert.equal(rotated.code, 0, rotated.err);
        epochs = (JSON.parse(rotated.out) as { kekEpoch: number }).kekEpoch;
        assert.equal(epochs, kekEpoch);
      }
      while (acknowledged.length < 6) await sleep(20);
      // What is acknowledged between this line and the cut counts for neither side.
      state.going = false;
      const copy = await cutPower();
      await writing;
      mount(copy, join(folder, "home-again"));
      again = await startDeployment({ args: ["--empty"], home: join(folder, "home-again") });
      const found = await again.run("import", ...acknowledged, "--json");
      assert.equal(found.code, 0, found.err);
      const { unchanged, created, updated } = JSON.parse(found.out) as Record<string, number>;
      assert.deepEqual(
        { unchanged, created, updated },
        { unchanged: acknowledged.length * patientsPerFile, created: 0, updated: 0 },
      );
    });

    test("leaves a key ring, a log and a log of the keys process that hold together", async () => {
      assert.ok(again !== null);
      const status = await again.run("keys", "status", "--json");
      assert.equal(status.code, 0, status.out + status.err);
      const { kekEpoch, lost } = JSON.parse(status.out) as { kekEpoch: number; lost: number };
      assert.deepEqual([kekEpoch, lost], [epochs, 0]);
      const verified = await again.run("audit", "verify");
      assert.equal(verified.code, 0, verified.out + verified.err);
      const rotated = await again.run("keys", "rotate-kek", "--json");
      assert.equal(rotated.code, 0, rotated.out + rotated.err);
    });
  },
);
