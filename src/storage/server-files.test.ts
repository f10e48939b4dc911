import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { launchersFor, runToEnd, type Launcher } from "#storage/server-account.ts";
import { findBinaries, linkLibraries } from "#storage/server-binaries.ts";
import { giveTo } from "#storage/server-folders.ts";
import { readPostmasterFile } from "#storage/server-processes.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "phylax-files-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function packageOf(t: TestContext, links: unknown) {
  const base = await folder(t);
  const root = join(base, "native");
  await mkdir(join(root, "lib"), { recursive: true });
  await writeFile(join(root, "pg-symlinks.json"), JSON.stringify(links));
  return { base, binaries: { root, initdb: "", postgres: "" } };
}

test("the server of this machine is found, and none of a machine there is not", () => {
  assert.ok(
    findBinaries(process.platform, process.arch)?.postgres.endsWith("/native/bin/postgres"),
  );
  assert.equal(findBinaries("plan9", "vax"), null);
});

test("missing library links are made in a folder of our own, the package left as it is", async (t) => {
  const links = [{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }];
  const { base, binaries } = await packageOf(t, links);
  await chmod(binaries.root, 0o500);
  const libraries = join(base, "lib");
  await linkLibraries(binaries, libraries);
  assert.equal(await readlink(join(libraries, "libpq.so.5")), join(base, links[0]?.source ?? ""));
  await assert.rejects(lstat(join(binaries.root, "lib", "libpq.so.5")));
});

test("links of a package that moved are made anew", async (t) => {
  const { base, binaries } = await packageOf(t, [
    { source: "native/lib/a.so.1", target: "lib/a.so" },
  ]);
  const libraries = join(base, "lib");
  await mkdir(libraries);
  await symlink("/gone", join(libraries, "a.so"));
  await symlink("/gone", join(libraries, "old.so"));
  await linkLibraries(binaries, libraries);
  assert.equal(await readlink(join(libraries, "a.so")), join(base, "native/lib/a.so.1"));
  await assert.rejects(lstat(join(libraries, "old.so")));
});

test("a list of links in another form is refused", async (t) => {
  for (const links of [{}, [{ source: "a" }], [{ source: 1, target: "b" }]]) {
    const { base, binaries } = await packageOf(t, links);
    await assert.rejects(linkLibraries(binaries, join(base, "lib")), TypeError);
  }
});

test("giving a folder away gives all in it, but follows no link out of it", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root gives files away");
  const base = await folder(t);
  const given = join(base, "given");
  await mkdir(join(given, "deep"), { recursive: true });
  await writeFile(join(given, "deep", "file"), "");
  await writeFile(join(base, "outside"), "");
  await symlink(join(base, "outside"), join(given, "link"));
  await giveTo(given, { uid: 65_534, gid: 65_534 });
  for (const name of ["", "deep", "deep/file"])
    assert.equal((await lstat(join(given, name))).uid, 65_534, name);
  assert.equal((await lstat(join(base, "outside"))).uid, 0);
});

test("what a postmaster says of itself is read, and half of it is not", async (t) => {
  const data = await folder(t);
  const path = join(data, "postmaster.pid");
  assert.equal(await readPostmasterFile(data), null);
  await writeFile(path, "4711\n/data\n1700000000\n5432\n");
  assert.equal(await readPostmasterFile(data), null);
  await writeFile(path, "4711\n/data\n1700000000\n5432\n/sock\n\n  77  1\nready   \n");
  assert.deepEqual(await readPostmasterFile(data), { pid: 4711, status: "ready" });
  await writeFile(path, "x\n/data\n1700000000\n5432\n/sock\n\n  77  1\nready   \n");
  assert.equal(await readPostmasterFile(data), null);
});

/** The state letter of proc(5), null when there is no such process. */
async function stateOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /\) ([A-Z])/.exec(stat)?.[1] ?? null;
}

// A process that ended is a zombie until whoever adopted it has looked.
const isRunning = (state: string | null): boolean =>
  state !== null && state !== "Z" && state !== "X";

const itself: Launcher = { prefix: [], owner: null, describe: "" };
const run = (words: readonly string[], timeoutMs = 10_000) =>
  runToEnd(words, { launcher: itself, env: { PATH: process.env["PATH"] }, timeoutMs });

test("a program run to its end gives its code and what it said", async () => {
  assert.deepEqual(await run(["sh", "-c", "echo out; echo err >&2; exit 3"]), {
    code: 3,
    output: "out\nerr\n",
  });
});

test("a program that does not exist, or does not end, gives no code", async () => {
  assert.equal((await run(["/nowhere/program"])).code, null);
  assert.equal((await run(["sleep", "30"], 100)).code, null);
});

test("of a program that says too much the end is kept", async () => {
  const { output } = await run(["sh", "-c", "yes | head -c 100000; echo end"]);
  assert.ok(output.length <= 16 * 1024 && output.endsWith("end\n"));
});

test("an ordinary account runs the server itself; root never does", async () => {
  for (const launcher of await launchersFor(1_000)) {
    assert.equal(launcher.owner, null);
    assert.ok(!launcher.prefix.includes("unshare"));
  }
  for (const launcher of await launchersFor(0)) {
    const words = launcher.prefix.join(" ");
    assert.ok(/--map-user=1000|--reuid=[1-9]/.test(words), words);
  }
});

test("what is launched ends with its supervisor, even when that is killed", async () => {
  const [first] = await launchersFor(1_000);
  assert.ok(first !== undefined && first.prefix.includes("--pdeathsig"));
  const script = `const child = require("node:child_process").spawn(
    ${JSON.stringify(first.prefix[0])}, ${JSON.stringify([...first.prefix.slice(1), "sleep", "60"])},
    { detached: true, stdio: "ignore" });
    setTimeout(() => console.log(child.pid), 200); setInterval(() => {}, 1000);`;
  const supervisor = spawn(process.execPath, ["-e", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const said: readonly unknown[] = await once(supervisor.stdout, "data");
  const launched = Number(String(said[0]));
  assert.ok(isRunning(await stateOf(launched)));
  supervisor.kill("SIGKILL");
  await once(supervisor, "exit");
  const end = Date.now() + 10_000;
  while (isRunning(await stateOf(launched))) {
    assert.ok(Date.now() < end, "it ends soon");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
