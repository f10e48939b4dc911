import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openHome } from "#assembly/home.ts";
import { openOperator, type Operator } from "#assembly/operator.ts";
import { createTown, type Town } from "#town/town.ts";
import { startDeployment, type TestDeployment } from "../support/deployment.ts";

interface Line {
  readonly outcome: "created" | "updated" | "unchanged" | "refused";
  readonly code?: string;
}

function batchOf(town: Town, n: number): string {
  const resources = n < 0 ? [...town.organisation()] : town.patient(n);
  return resources
    .map((resource, entry) => JSON.stringify({ file: `patient-${n}`, entry, resource }))
    .join("\n");
}

/** The answer lines of one batch; one refused line when the batch as a whole was refused. */
async function send(operator: Operator, batch: string): Promise<readonly Line[]> {
  const answer = await operator.post("records", "/internal/import", "application/x-ndjson", batch);
  if (!answer.ok) return [{ outcome: "refused", code: answer.problem.code }];
  return answer.value
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

async function openOf(t: TestContext, phylax: TestDeployment): Promise<Operator> {
  const home = openHome(phylax.home);
  assert.ok(home.ok);
  const operator = await openOperator(home.value);
  t.after(() => operator.close());
  return operator;
}

const isRefused = (line: Line): boolean => line.outcome === "refused";

/** Sends the batch until it is taken whole: the system comes back by itself. */
async function sendUntilTaken(
  operator: Operator,
  batch: string,
  withinMs = 60_000,
): Promise<readonly Line[]> {
  const end = performance.now() + withinMs;
  for (;;) {
    const lines = await send(operator, batch);
    if (!lines.some(isRefused)) return lines;
    assert.ok(
      performance.now() < end,
      `not taken within ${withinMs} ms: ${JSON.stringify(lines.find(isRefused))}`,
    );
    await sleep(200);
  }
}

async function assertLogVerifies(phylax: TestDeployment): Promise<void> {
  const verified = await phylax.run("audit", "verify");
  assert.equal(verified.code, 0, verified.out + verified.err);
}

suite("an import under faults", { timeout: 600_000 }, () => {
  test("PostgreSQL killed with -9 in the middle: nothing that was acknowledged is lost, the log verifies", async (t) => {
    const phylax = await startDeployment({ args: ["--empty"] });
    t.after(() => phylax.remove());
    const operator = await openOf(t, phylax);
    const town = createTown({ seed: 11, patients: 60, asOf: "2026-10-01" });
    await sendUntilTaken(operator, batchOf(town, -1));

    const acknowledged: number[] = [];
    let cut = 0;
    for (let n = 0; n < 60; n += 1) {
      const sending = send(operator, batchOf(town, n));
      if (n === 20) {
        const postmaster = Number(
          readFileSync(join(phylax.home, "postgres", "data", "postmaster.pid"), "utf8").split(
            "\n",
          )[0],
        );
        process.kill(postmaster, "SIGKILL");
      }
      const lines = await sending;
      if (lines.some(isRefused)) cut += 1;
      else acknowledged.push(n);
    }
    assert.ok(cut > 0, "the kill was felt");
    assert.ok(acknowledged.length >= 20, "writes were acknowledged before it");

    for (const n of acknowledged) {
      const lines = await sendUntilTaken(operator, batchOf(town, n));
      assert.deepEqual(
        [...new Set(lines.map((line) => line.outcome))],
        ["unchanged"],
        `patient ${n}`,
      );
    }
    for (let n = 0; n < 60; n += 1) await sendUntilTaken(operator, batchOf(town, n));
    await assertLogVerifies(phylax);
  });

  const noMount = process.getuid?.() === 0 ? false : "only root can mount a small tmpfs";
  test(
    "a disk that runs full: refused in clear words, and all goes in once there is room",
    { skip: noMount },
    async (t) => {
      const disk = mkdtempSync(join(tmpdir(), "phylax-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m,mode=0700", "tmpfs", disk]);
      const phylax = await startDeployment({ args: ["--empty"], home: join(disk, "home") });
      t.after(async () => {
        await phylax.stop();
        execFileSync("umount", ["-l", disk]);
        rmSync(disk, { recursive: true, force: true });
      });
      const operator = await openOf(t, phylax);
      const town = createTown({ seed: 12, patients: 400, asOf: "2026-10-01" });
      await sendUntilTaken(operator, batchOf(town, -1));

      const filler = join(disk, "filler");
      fill(filler, disk, 4 * 1024 * 1024);
      const acknowledged: number[] = [];
      const codes = new Set<string>();
      for (let n = 0; n < 400 && codes.size === 0; n += 1) {
        const lines = await send(operator, batchOf(town, n));
        for (const { code } of lines) if (code !== undefined) codes.add(code);
        if (!lines.some(isRefused)) acknowledged.push(n);
      }
      assert.ok(codes.size > 0, "the disk ran full");
      assert.ok(
        [...codes].every((code) =>
          ["storage-full", "storage-unavailable", "audit-unavailable", "key-unavailable"].includes(
            code,
          ),
        ),
        [...codes].join(),
      );

      rmSync(filler);
      for (const n of acknowledged) {
        const lines = await sendUntilTaken(operator, batchOf(town, n));
        assert.deepEqual(
          [...new Set(lines.map((line) => line.outcome))],
          ["unchanged"],
          `patient ${n}`,
        );
      }
      await sendUntilTaken(operator, batchOf(town, acknowledged.length));
      await assertLogVerifies(phylax);
    },
  );
});

/** Writes zeros until only `leaveBytes` are free. */
function fill(path: string, disk: string, leaveBytes: number): void {
  const block = Buffer.alloc(1024 * 1024);
  const handle = openSync(path, "w");
  try {
    for (let free = freeBytes(disk); free > leaveBytes + block.length; free = freeBytes(disk))
      writeSync(handle, block);
  } finally {
    closeSync(handle);
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
