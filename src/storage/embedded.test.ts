import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Client } from "pg";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import type { Connection } from "#storage/connection.ts";
import {
  runningServer,
  startEmbedded,
  type EmbeddedOptions,
  type EmbeddedServer,
  type ServerExit,
} from "#storage/embedded.ts";
import { launchersFor } from "#storage/server-account.ts";
import { findBinaries } from "#storage/server-binaries.ts";
import { foldersIn, privateFolder, socketFolder } from "#storage/server-folders.ts";
import { endServerIn, processesIn } from "#storage/server-processes.ts";

async function freshHome(t: TestContext, name = "pg"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "phylax-embedded-"));
  const home = join(folder, name);
  t.after(async () => {
    await endServerIn(foldersIn(home).data, systemClock);
    await rm(folder, { recursive: true, force: true });
  });
  return home;
}

const quick = { fsync: "off" };

async function start(home: string, more: Partial<EmbeddedOptions> = {}): Promise<EmbeddedServer> {
  const started = await startEmbedded({
    home,
    clock: systemClock,
    random: systemRandom,
    onExit: () => {},
    settings: quick,
    ...more,
  });
  assert.ok(started.ok, started.ok ? "" : started.problem.detail);
  return started.value;
}

async function ask(connection: Connection, sql: string): Promise<readonly unknown[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, "it happens in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test("a new home becomes a running server that keeps what it was given", async (t) => {
  const home = await freshHome(t);
  const first = await start(home);
  await ask(first.connection, "CREATE TABLE kept (id int)");
  assert.deepEqual(await runningServer(home), first.connection);
  await first.stop();
  assert.equal(await runningServer(home), null);
  assert.deepEqual(await processesIn(foldersIn(home).data), []);
  const second = await start(home);
  assert.deepEqual(await ask(second.connection, "SELECT * FROM kept"), []);
});

test("the server is set up as it should be", async (t) => {
  const home = await freshHome(t);
  const { connection } = await start(home, { settings: {} });
  const [row] = await ask(
    connection,
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
       current_setting('listen_addresses') AS tcp, current_setting('data_checksums') AS checksums,
       current_setting('server_version_num')::int >= 180000 AS new, datlocprovider AS provider,
       datlocale AS locale, (SELECT count(*)::int FROM pg_hba_file_rules
         WHERE type = 'local' AND auth_method <> 'scram-sha-256') AS trusted
     FROM pg_database WHERE datname = current_database()`,
  );
  assert.deepEqual(row, {
    fsync: "on",
    sync: "on",
    tcp: "",
    checksums: "on",
    new: true,
    provider: "b",
    locale: "C.UTF-8",
    trusted: 0,
  });
  assert.equal(await modeOf(home), 0o700);
  assert.equal(await modeOf(connection.host), 0o700);
  assert.equal(await modeOf(foldersIn(home).password), 0o600);
  await assert.rejects(ask({ ...connection, password: "guess" }, "SELECT 1"), { code: "28P01" });
});

test("a home whose path is too long for a socket has it elsewhere, in a folder as private", async (t) => {
  const home = await freshHome(t, "x".repeat(120));
  const { connection } = await start(home);
  t.after(() => rm(connection.host, { recursive: true, force: true }));
  assert.ok(!connection.host.startsWith(home));
  assert.equal(await modeOf(connection.host), 0o700);
  assert.equal((await ask(connection, "SELECT 1")).length, 1);
  assert.deepEqual(await runningServer(home), connection);
});

test("a socket's path never passes 107 bytes", () => {
  for (let length = 1; length < 300; length += 1) {
    const folder = socketFolder(`/${"é".repeat(length)}`, "/tmp");
    assert.ok(Buffer.byteLength(join(folder, ".s.PGSQL.5432.lock")) <= 107);
  }
  assert.notEqual(
    socketFolder(`/a${"x".repeat(200)}`, "/tmp"),
    socketFolder(`/b${"x".repeat(200)}`, "/tmp"),
  );
});

test("a folder that a stranger put in the way is refused", async (t) => {
  const home = await freshHome(t);
  await mkdir(join(home, "target"), { recursive: true });
  await symlink(join(home, "target"), join(home, "link"));
  const uid = process.getuid?.() ?? 0;
  assert.ok(!(await privateFolder(join(home, "link"), [uid])).ok);
  assert.ok(!(await privateFolder(join(home, "target"), [uid + 1])).ok);
  assert.ok((await privateFolder(join(home, "target"), [uid])).ok);
});

test("a server that is killed is reported once, and the next start recovers it", async (t) => {
  const home = await freshHome(t);
  const exits: ServerExit[] = [];
  const first = await start(home, { onExit: (exit) => exits.push(exit) });
  await ask(first.connection, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id");
  process.kill(first.pid, "SIGKILL");
  await until(async () => exits.length > 0);
  const second = await start(home);
  assert.deepEqual(await ask(second.connection, "SELECT count(*)::int AS n FROM kept"), [
    { n: 1_000 },
  ]);
  assert.deepEqual(exits, [{ code: null, signal: "SIGKILL" }]);
});

test("a server whose home was removed under it can still be stopped", async (t) => {
  const home = await freshHome(t);
  const server = await start(home);
  await rm(home, { recursive: true });
  await server.stop();
  assert.deepEqual(await processesIn(foldersIn(home).data), []);
});

test("stopping a server is not reported as its death", async (t) => {
  const exits: ServerExit[] = [];
  const server = await start(await freshHome(t), { onExit: (exit) => exits.push(exit) });
  await server.stop();
  assert.deepEqual(exits, []);
});

/** Runs the server of a home as nobody's child, as a supervisor that was killed may leave it. */
async function orphan(home: string): Promise<number> {
  const { data, libraries } = foldersIn(home);
  const binaries = findBinaries(process.platform, process.arch);
  assert.ok(binaries !== null);
  const uid = process.getuid?.() ?? 0;
  const namespace = uid === 0 ? ["unshare", "--user", "--map-user=1000", "--"] : [];
  const socket = `unix_socket_directories=${join(home, "socket")}`;
  const words = [
    ...namespace,
    binaries.postgres,
    "-D",
    data,
    "-c",
    "listen_addresses=",
    "-c",
    socket,
  ];
  const [file = "", ...rest] = words;
  const child = spawn(file, rest, {
    env: { ...process.env, LD_LIBRARY_PATH: `${libraries}:${join(binaries.root, "lib")}` },
    detached: true,
    stdio: "ignore",
  });
  child.unref();
  await until(async () => (await runningServer(home)) !== null);
  return child.pid ?? 0;
}

const mayUnshare = async (): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn("unshare", ["--user", "--map-user=1000", "true"], { stdio: "ignore" });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });

test("a server that an earlier run left behind is ended, and its data taken on", async (t) => {
  if (!(await mayUnshare())) return t.skip("user namespaces are not permitted here");
  const home = await freshHome(t);
  const first = await start(home);
  await ask(first.connection, "CREATE TABLE kept (id int)");
  await first.stop();
  const pid = await orphan(home);
  const second = await start(home);
  assert.notEqual(second.pid, pid);
  assert.ok(!(await processesIn(foldersIn(home).data)).includes(pid));
  assert.deepEqual(await ask(second.connection, "SELECT * FROM kept"), []);
});

test("a process id that now belongs to another program does not keep the server from starting", async (t) => {
  const home = await freshHome(t);
  const first = await start(home);
  const { data } = foldersIn(home);
  const pidFile = await readFile(join(data, "postmaster.pid"), "utf8");
  await first.stop();
  const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
  t.after(() => stranger.kill());
  const reused = pidFile.replace(/^\d+/, String(stranger.pid));
  await writeFile(join(data, "postmaster.pid"), reused, { mode: 0o600 });
  assert.equal(await runningServer(home), null);
  await start(home);
  assert.equal(stranger.exitCode, null);
  assert.equal(stranger.signalCode, null);
});

test("a set-up that was cut short is begun anew", async (t) => {
  const home = await freshHome(t);
  const { unfinished } = foldersIn(home);
  await mkdir(join(unfinished, "base"), { recursive: true, mode: 0o700 });
  await start(home);
  await assert.rejects(stat(unfinished));
});

test("a lost superuser password is said, not made anew", async (t) => {
  const home = await freshHome(t);
  await (await start(home)).stop();
  await rm(foldersIn(home).password);
  const started = await startEmbedded({
    home,
    clock: systemClock,
    random: systemRandom,
    onExit: () => {},
  });
  assert.match((!started.ok && started.problem.detail) || "", /superuser-password is lost/);
});

test("a server that cannot start says why and leaves no process", async (t) => {
  const home = await freshHome(t);
  await (await start(home)).stop();
  const started = await startEmbedded({
    home,
    clock: systemClock,
    random: systemRandom,
    onExit: () => {},
    settings: { shared_buffers: "1kB" },
  });
  assert.match((!started.ok && started.problem.detail) || "", /shared_buffers/);
  assert.deepEqual(await processesIn(foldersIn(home).data), []);
});

test("as root, each account that can run the server does, below a folder of root's too", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root chooses an account");
  const launchers = await launchersFor(0);
  assert.equal(launchers.length, 3);
  for (const launcher of launchers) {
    const home = await freshHome(t);
    if (launcher.prefix[0] === "unshare" && !(await mayUnshare())) continue;
    // The second passes no folder of root's, so it cannot reach this one.
    const reaches =
      launcher.owner === null || launcher.prefix.includes("--ambient-caps=+dac_override");
    const started = await startEmbedded({
      home,
      clock: systemClock,
      random: systemRandom,
      onExit: () => {},
      launchers: [launcher],
      settings: quick,
    });
    const why = started.ok ? launcher.describe : started.problem.detail;
    assert.equal(started.ok, reaches, why);
    if (!started.ok) continue;
    assert.equal(started.value.runsAs, launcher.describe);
    assert.equal((await ask(started.value.connection, "SELECT 1")).length, 1);
    await started.value.stop();
  }
});

test("the server at rest takes less memory than its share", async (t) => {
  const home = await freshHome(t);
  const { connection } = await start(home);
  await ask(connection, "SELECT count(*) FROM pg_class");
  const pids = await processesIn(foldersIn(home).data);
  const shares = await Promise.all(
    pids.map(async (pid) => {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
      return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
    }),
  );
  const megabytes = shares.reduce((sum, share) => sum + share, 0) / 1024;
  assert.ok(megabytes > 1 && megabytes < 150, `${megabytes.toFixed(0)} MB`);
});
