import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseTenantId, type TenantId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";

/** Everything that one deployment keeps on this machine's disk, in one folder of mode 0700. */
export interface Home {
  readonly path: string;
  /** Sockets: short-lived, under the home unless its path is too long for a unix socket. */
  readonly run: string;
  /** A path inside the home, its folders made with mode 0700. */
  file(...names: string[]): string;
  socket(name: string): string;
}

/** What a deployment decided once, at its first start. */
export interface Settings {
  readonly tenant: TenantId;
  readonly mode: "demo" | "empty";
}

/** Linux allows 108 bytes with the closing NUL; PostgreSQL adds `.s.PGSQL.5432.lock`. */
const socketDirectoryMaxBytes = 80;

function makePrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Opens or makes the home. Fails with "home-refused" when others than its owner may read it. */
export function openHome(given: string): Result<Home> {
  const path = resolve(given);
  makePrivate(path);
  if ((statSync(path).mode & 0o077) !== 0) {
    return refuse("home-refused", { detail: `${path} is open to others; run: chmod 700 ${path}` });
  }
  const wished = join(path, "run");
  const short = join(
    tmpdir(),
    `phylax-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`,
  );
  const run = Buffer.byteLength(wished) <= socketDirectoryMaxBytes ? wished : short;
  makePrivate(run);
  chmodSync(run, 0o700);
  return ok({
    path,
    run,
    file: (...names) => {
      const found = join(path, ...names);
      makePrivate(dirname(found));
      return found;
    },
    socket: (name) => join(run, `${name}.sock`),
  });
}

/** Writes a file of mode 0600 whole or not at all, and for good: fsync, rename, fsync of the folder. */
export function writeSecretFile(path: string, content: string): void {
  const temporary = `${path}.new`;
  const handle = openSync(temporary, "w", 0o600);
  try {
    writeSync(handle, content);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Gives the text of a secret file, made by `make` when there is none yet. */
export function secretFile(path: string, make: () => string): string {
  if (!existsSync(path)) writeSecretFile(path, make());
  return readFileSync(path, "utf8");
}

/** The settings of a deployment that was started before; null when the home is new. */
export function readSettings(home: Home): Settings | null {
  const path = home.file("settings.json");
  if (!existsSync(path)) return null;
  const found: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof found !== "object" || found === null || !("tenant" in found) || !("mode" in found))
    return null;
  const tenant = typeof found.tenant === "string" ? parseTenantId(found.tenant) : null;
  if (tenant === null || (found.mode !== "demo" && found.mode !== "empty")) return null;
  return { tenant, mode: found.mode };
}

/** The deployment's settings, decided now when the home is new; an existing home keeps its mode. */
export function settle(home: Home, mode: Settings["mode"], random: Random): Settings {
  const known = readSettings(home);
  if (known !== null) return known;
  const tenant = parseTenantId(random.uuid());
  if (tenant === null) throw new TypeError("a made uuid is always a tenant id");
  const settings: Settings = { tenant, mode };
  writeSecretFile(home.file("settings.json"), JSON.stringify(settings));
  return settings;
}
