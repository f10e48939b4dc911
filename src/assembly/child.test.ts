import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { keepRunning, type KeptProcess } from "#assembly/child.ts";

/** A child that counts its starts in a file and does at each what `deeds` says; the last one stays. */
function kept(
  t: TestContext,
  deeds: readonly ("ready" | "refuse" | "die")[],
): { child: KeptProcess; starts: () => number } {
  const folder = mkdtempSync(join(tmpdir(), "phylax-child-"));
  const count = join(folder, "starts");
  writeFileSync(count, "");
  const main = join(folder, "main.mjs");
  writeFileSync(
    main,
    `import { appendFileSync, readFileSync } from "node:fs";
    const deed = ${JSON.stringify(deeds)}[readFileSync(${JSON.stringify(count)}, "utf8").length] ?? "ready";
    appendFileSync(${JSON.stringify(count)}, ".");
    if (deed === "die") process.exit(1);
    if (deed === "ready") process.send({ kind: "ready" });
    else process.send({ kind: "failed", problem: { code: "key-unavailable" } }, () => process.exit(70));
    setInterval(() => {}, 1_000);`,
  );
  const child = keepRunning({
    role: "records",
    main,
    args: [],
    variables: {},
    logPath: join(folder, "log"),
    onRestart: () => {},
  });
  t.after(async () => {
    await child.stop();
    rmSync(folder, { recursive: true });
  });
  return { child, starts: () => readFileSync(count, "utf8").length };
}

async function until(held: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !held(); tries += 1) await sleep(25);
  assert.ok(held());
}

function kill(child: KeptProcess): void {
  const pid = child.pid();
  assert.ok(pid !== null);
  process.kill(pid, "SIGKILL");
}

suite("a kept process", () => {
  test("is started again when it dies", async (t) => {
    const { child, starts } = kept(t, ["ready", "ready"]);
    assert.ok((await child.started).ok);
    kill(child);
    await until(() => starts() === 2);
  });

  test("that ran before is tried again also after it refused to start, since what it misses may come back", async (t) => {
    const { child, starts } = kept(t, ["ready", "refuse", "refuse", "ready"]);
    assert.ok((await child.started).ok);
    kill(child);
    await until(() => starts() === 4);
  });

  test("that refuses its first start is not tried again: its reason is the answer", async (t) => {
    const { child, starts } = kept(t, ["refuse"]);
    const started = await child.started;
    assert.equal(started.ok ? null : started.problem.code, "key-unavailable");
    await sleep(1_000);
    assert.equal(starts(), 1);
  });

  test("that dies at each of its first starts is given up", async (t) => {
    const { child, starts } = kept(t, ["die", "die", "die", "ready"]);
    const started = await child.started;
    assert.equal(started.ok, false);
    await sleep(1_000);
    assert.equal(starts(), 3);
  });
});
