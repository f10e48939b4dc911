import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { openAuthority, type Authority } from "#assembly/authority.ts";
import { openHome } from "#assembly/home.ts";
import { kmsTools, runProgram } from "#assembly/kms-tools.ts";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { ask } from "#keys/kms/ask.ts";
import type { ProgramCall, ProgramEnd } from "#keys/kms/tools.ts";

const call = (program: string, more: Partial<ProgramCall> = {}): Promise<ProgramEnd> =>
  runProgram({
    program,
    args: [],
    input: Buffer.alloc(0),
    variables: { PATH: "/usr/bin:/bin" },
    timeoutMs: 2_000,
    outputBytesMax: 1_024,
    ...more,
  });

test("a program gets its input, its arguments as they are, and no variables of ours", async () => {
  const input = Buffer.from([0, 255, 10]);
  assert.deepEqual(await call("cat", { input }), { end: "exit", code: 0, out: input, error: "" });
  const said = await call("printf", { args: ["%s", "$HOME; ls"] });
  assert.ok(said.end === "exit" && said.out.toString() === "$HOME; ls");
  const seen = await call("env", { variables: { PATH: "/usr/bin:/bin", ONLY: "this" } });
  assert.ok(seen.end === "exit");
  assert.deepEqual(seen.out.toString().trim().split("\n").sort(), [
    "ONLY=this",
    "PATH=/usr/bin:/bin",
  ]);
});

test("a program that is missing, fails, hangs or says too much is told apart", async () => {
  assert.deepEqual(await call("phylax-no-such-program"), { end: "missing" });
  const failed = await call("sh", { args: ["-c", "echo why >&2; exit 3"] });
  assert.deepEqual(failed, { end: "exit", code: 3, out: Buffer.alloc(0), error: "why\n" });
  assert.deepEqual(await call("sleep", { args: ["5"], timeoutMs: 50 }), { end: "too-slow" });
  const much = await call("head", { args: ["-c", "5000000", "/dev/zero"] });
  assert.ok(much.end === "exit" && much.code !== 0 && much.out.length <= 1_024);
});

async function newAuthority(t: TestContext): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), "phylax-kms-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = openHome(folder);
  assert.ok(home.ok);
  return openAuthority(home.value, systemClock, systemRandom);
}

test("a service is believed only when the authority that was named vouches for it", async (t) => {
  const [ours, other] = [await newAuthority(t), await newAuthority(t)];
  const { key, cert } = await ours.publicIdentity(["localhost"]);
  const server = createServer({ key, cert }, (_request, response) => response.end("{}"));
  await new Promise<void>((resolve) => {
    server.listen(0, "localhost", resolve);
  });
  t.after(() => server.close());
  const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}/`);
  const askWith = async (authorities: string | null): Promise<boolean> => {
    const agent = kmsTools.connect(authorities);
    t.after(() => agent.destroy());
    const question = { url, method: "GET", headers: {}, body: null } as const;
    return (await ask(agent, "the service", question)).ok;
  };
  assert.equal(await askWith(ours.certificate), true);
  assert.equal(await askWith(other.certificate), false);
  assert.equal(await askWith(null), false);
});
