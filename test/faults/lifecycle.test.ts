import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  freePort,
  runPhylax,
  startDeployment,
  type TestDeployment,
} from "../support/deployment.ts";
import { processesOf } from "../support/processes.ts";

interface Status {
  readonly running: boolean;
  readonly processes?: Readonly<Record<string, number | null>>;
}

async function statusOf(phylax: TestDeployment): Promise<Status> {
  const { out } = await phylax.run("status", "--json");
  return JSON.parse(out) as Status;
}

async function until(
  what: string,
  held: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    if (await held()) return;
    await sleep(50);
  }
  assert.fail(`not within ${withinMs} ms: ${what}`);
}

/** The status of one GET, with the deployment's own authority trusted; 0 when nobody answers. */
function pageStatus(phylax: TestDeployment, path: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(
      `${phylax.origin}${path}`,
      { ca: phylax.authority(), agent: false },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asked.on("error", () => resolve(0));
    asked.end();
  });
}

suite("a deployment's life", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  before(async () => {
    phylax = await startDeployment({ args: ["--empty"] });
  });
  after(() => phylax.remove());

  test("an empty start serves its pages and prints one link for the first administrator", async () => {
    assert.equal(await pageStatus(phylax, "/"), 200);
    assert.match(
      phylax.output(),
      /first administrator:\n\s+https:\/\/localhost:\d+\/enrol#token=\S{30,}/,
    );
  });

  test("a second start on the same home says so and leaves the first alone", async () => {
    const second = await runPhylax(phylax.home, ["start", "--port", String(await freePort())]);
    assert.equal(second.code, 69);
    assert.match(second.err, /already/);
    assert.equal(await pageStatus(phylax, "/"), 200);
  });

  test("a killed process is started again, whichever it is, and pages answer as before", async () => {
    for (const role of ["gateway", "identity", "records", "keys"]) {
      const before = (await statusOf(phylax)).processes?.[role];
      assert.ok(typeof before === "number", `${role} runs`);
      process.kill(before, "SIGKILL");
      await until(`${role} is back`, async () => {
        const now = (await statusOf(phylax)).processes?.[role];
        return typeof now === "number" && now !== before;
      });
    }
    await until(
      "metadata is served again",
      async () => (await pageStatus(phylax, "/fhir/metadata")) === 200,
    );
    await until(
      "identity answers again",
      async () => (await pageStatus(phylax, "/.well-known/openid-configuration")) === 200,
    );
  });

  test("stopping leaves no process behind", async () => {
    assert.ok(
      processesOf(phylax.home).length >= 5,
      "the search for processes finds them while they run",
    );
    assert.equal(await phylax.stop(), 0);
    assert.deepEqual(processesOf(phylax.home), []);
  });

  test("a start after that is served again, with the same authority", async () => {
    const authority = phylax.authority();
    await phylax.startAgain();
    assert.equal(phylax.authority(), authority);
    assert.equal(await pageStatus(phylax, "/"), 200);
  });

  test("a supervisor killed with -9 leaves nothing that the next start cannot take over", async () => {
    const supervisor = phylax.supervisor();
    const before = processesOf(phylax.home);
    supervisor.kill("SIGKILL");
    await until("the supervisor is gone", () => supervisor.signalCode !== null);
    await phylax.startAgain();
    assert.equal(await pageStatus(phylax, "/fhir/metadata"), 200);
    const children = Object.values((await statusOf(phylax)).processes ?? {});
    assert.equal(await phylax.stop(), 0);
    await until("all are gone", () => processesOf(phylax.home).length === 0);
    assert.ok(before.length >= 5 && children.length === 4);
  });

  test("a home whose root key is under another passphrase is refused in clear words", async () => {
    const refused = await runPhylax(phylax.home, ["start", "--port", String(await freePort())], {
      PHYLAX_ROOT_PASSPHRASE: "certainly not the right one",
    });
    assert.equal(refused.code, 78);
    assert.match(refused.err, /passphrase is wrong/);
    assert.doesNotMatch(refused.err, /certainly not|\bat .+:\d+:\d+/);
    assert.deepEqual(processesOf(phylax.home), []);
  });
});

suite("starts that cannot be", () => {
  test("a port that is taken is named, with what to do", async (t) => {
    const home = mkdtempSync(join(tmpdir(), "phylax-port-"));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    t.after(() => other.close());
    const refused = await runPhylax(home, ["start", "--empty", "--port", String(port)]);
    assert.equal(refused.code, 69);
    assert.match(refused.err, new RegExp(`port ${port} is taken`));
    assert.match(refused.err, /--port \d+/);
  });

  test("a home that others may read is refused", async (t) => {
    const home = mkdtempSync(join(tmpdir(), "phylax-open-"));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    chmodSync(home, 0o755);
    const refused = await runPhylax(home, ["start", "--empty"]);
    assert.equal(refused.code, 78);
    assert.match(refused.err, /chmod 700/);
  });

  test("a port or role that is none is refused as usage", async () => {
    assert.equal((await runPhylax("/nonexistent", ["start", "--port", "http"])).code, 64);
    assert.equal((await runPhylax("/nonexistent", ["start", "--role", "janitor"])).code, 64);
    assert.equal((await runPhylax("/nonexistent", ["strat"])).code, 64);
  });
});
