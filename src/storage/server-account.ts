import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";

/** PostgreSQL refuses to run as root, so root hands it to somebody with fewer rights. */
export interface Launcher {
  /** Words to put before the program's own. */
  readonly prefix: readonly string[];
  /** Who must own the data; null leaves it with whoever runs us. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly describe: string;
}

// The kernel then ends the server with us, even when we are killed; fast shutdown is SIGINT.
const withUs = ["--pdeathsig", "INT"] as const;

const plain: readonly Launcher[] = [
  { prefix: ["setpriv", ...withUs, "--"], owner: null, describe: "this account" },
  { prefix: [], owner: null, describe: "this account, without setpriv" },
];

/** Root outside is an ordinary user inside: it owns the files, and nothing else is its own. */
const namespace: Launcher = {
  prefix: ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"].concat([
    "setpriv",
    ...withUs,
    "--",
  ]),
  owner: null,
  describe: "a user namespace",
};

function accountLaunchers(uid: number, gid: number, name: string): readonly Launcher[] {
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", ...withUs];
  // A folder that only root may enter lies above the data or the programs, e.g. /root.
  const reach = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  const owner = { uid, gid };
  return [
    { prefix: [...become, "--"], owner, describe: `account ${name}` },
    {
      prefix: [...become, ...reach, "--"],
      owner,
      describe: `account ${name}, passing root's folders`,
    },
  ];
}

const accountNames = ["phylax", "postgres", "nobody"] as const;

function findAccount(passwd: string): readonly Launcher[] {
  const lines = passwd.split("\n").map((line) => line.split(":"));
  for (const name of accountNames) {
    const found = lines.find((fields) => fields[0] === name);
    const [uid, gid] = [Number(found?.[2]), Number(found?.[3])];
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid > 0)
      return accountLaunchers(uid, gid, name);
  }
  return [];
}

/** The ways to run the server, best first. */
export async function launchersFor(uid: number): Promise<readonly Launcher[]> {
  if (uid !== 0) return plain;
  return [namespace, ...findAccount(await readFile("/etc/passwd", "utf8"))];
}

export interface Exit {
  readonly code: number | null;
  readonly output: string;
}

/** Largest output kept of a program that is run to its end. */
const outputBytes = 16 * 1024;

export interface RunOptions {
  readonly launcher: Launcher;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

/** Runs a program to its end. `code` is null when it could not be started or did not end in time. */
export function runToEnd(words: readonly string[], options: RunOptions): Promise<Exit> {
  const [file = "", ...rest] = [...options.launcher.prefix, ...words];
  return new Promise((resolve) => {
    const child = spawn(file, rest, {
      env: options.env,
      // A folder that every account may be in.
      cwd: "/",
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-outputBytes);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}
