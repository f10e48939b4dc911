import { spawn, spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { testFolder, type Cleanup } from "#keys/testing.ts";

const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

/** What a test that needs a TPM is skipped with. */
export const noTpm: { skip: string } | Record<string, never> =
  has("swtpm") && has("tpm2_unseal")
    ? {}
    : { skip: "swtpm and tpm2-tools are not installed (apt-get install swtpm tpm2-tools)" };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface TestTpm {
  readonly tcti: string;
  stop(): Promise<void>;
}

/** A fresh TPM 2.0 in software; ended with the test. */
export async function testTpm(t: Cleanup): Promise<TestTpm> {
  const state = join(await testFolder(t), "tpm");
  await mkdir(state);
  // tpm2-tools expect the control port behind the command port.
  const port = await freePort();
  const socket = (at: number): string => `type=tcp,bindaddr=127.0.0.1,port=${at}`;
  const args =
    `socket --tpm2 --tpmstate dir=${state} --server ${socket(port)},disconnect ` +
    `--ctrl ${socket(port + 1)} --flags not-need-init,startup-clear`;
  const child = spawn("swtpm", args.split(" "));
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  t.after(stop);
  const tcti = `swtpm:host=127.0.0.1,port=${port}`;
  for (let tries = 0; tries < 50; tries += 1) {
    const variables = { ...process.env, TPM2TOOLS_TCTI: tcti };
    if (spawnSync("tpm2_getrandom", ["--hex", "4"], { env: variables }).status === 0) break;
    await sleep(50);
  }
  return { tcti, stop };
}
