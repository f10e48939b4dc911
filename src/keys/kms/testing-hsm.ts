import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pkcs11Config } from "#keys/kms/pkcs11/pkcs11.ts";
import { testFolder, type Cleanup } from "#keys/testing.ts";

const modules = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const tokensPerProcess = 9;
const soPin = "87654321";
export const testPin = "271828";

/** Debian's softhsm2; null when it is not installed. */
export const softHsmModule = modules.find((path) => existsSync(path)) ?? null;

/** What a test that needs SoftHSM is skipped with. */
export const noSoftHsm: { skip: string } | Record<string, never> =
  softHsmModule === null ? { skip: "SoftHSM2 is not installed (apt-get install softhsm2)" } : {};

let unused: string[] | null = null;

/**
 * A fresh token without keys. SoftHSM reads its settings and finds its tokens once a process, so
 * all are made at the first call.
 */
export async function testToken(t: Cleanup): Promise<Pkcs11Config> {
  if (softHsmModule === null) throw new TypeError("ask noSoftHsm first");
  unused ??= makeTokens();
  const token = unused.pop();
  if (token === undefined) throw new RangeError(`more than ${tokensPerProcess} tokens were taken`);
  const pinFile = join(await testFolder(t), "pin");
  await writeFile(pinFile, `${testPin}\n`, { mode: 0o600 });
  return { kind: "pkcs11", module: softHsmModule, token, key: "phylax-root", pinFile };
}

function makeTokens(): string[] {
  const folder = mkdtempSync(join(tmpdir(), "phylax-softhsm-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const tokens = join(folder, "tokens");
  mkdirSync(tokens);
  const conf = join(folder, "softhsm2.conf");
  writeFileSync(conf, `directories.tokendir = ${tokens}\nlog.level = ERROR\n`);
  process.env["SOFTHSM2_CONF"] = conf;
  const names = Array.from({ length: tokensPerProcess }, (_, i) => `token ${i}`);
  const pins = ["--so-pin", soPin, "--pin", testPin];
  for (const name of names)
    execFileSync("softhsm2-util", ["--init-token", "--free", "--label", name, ...pins], {
      stdio: "pipe",
    });
  return names;
}
