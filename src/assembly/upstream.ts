import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Pool } from "undici";
import { approvedOnly, approvedTls } from "#core/approved.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { readPrivateFile } from "#keys/private-file.ts";
import { createUpstream, type Upstream, type UpstreamDeps } from "#records/upstream/client.ts";
import { parseUpstreamSettings, type UpstreamSettings } from "#records/upstream/settings.ts";
import type { Home } from "#assembly/home.ts";

const settingsMaxBytes = 8_192;
const tokenMaxBytes = 8_192;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * What `upstream.json` of the home says; null when there is none. Fails as "home-refused" when it
 * cannot be used: records must not be looked for elsewhere than the operator said.
 */
export async function readUpstreamSettings(
  home: Pick<Home, "path">,
): Promise<Result<UpstreamSettings | null>> {
  const file = await readPrivateFile(join(home.path, "upstream.json"), settingsMaxBytes);
  if (file.found === "nothing") return ok(null);
  if (file.found === "unusable")
    return refuse("home-refused", { detail: `upstream.json: ${file.why}` });
  return parseUpstreamSettings(parsed(file.text));
}

// RFC 6750 §2.1: what a bearer token is made of; a line's end after it is the editor's.
const tokenText = /^([A-Za-z0-9._~+/-]+=*)\s*$/;

/** The token as it is now, so that whoever renews it need only write the file. */
async function readToken(path: string): Promise<Result<string>> {
  const file = await readPrivateFile(path, tokenMaxBytes);
  const token = file.found === "text" ? tokenText.exec(file.text)?.[1] : undefined;
  return token === undefined
    ? refuse("home-refused", { detail: `the token in ${path} cannot be read` })
    : ok(token);
}

interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

function readTlsFiles(home: Pick<Home, "path">, settings: UpstreamSettings): Result<TlsFiles> {
  const read = (file: string): string => readFileSync(resolve(home.path, file), "utf8");
  const { caFile, client } = settings;
  try {
    return ok({
      ...(caFile === null ? {} : { ca: read(caFile) }),
      ...(client === null ? {} : { cert: read(client.certificateFile), key: read(client.keyFile) }),
    });
  } catch {
    return refuse("home-refused", { detail: "a file that upstream.json names cannot be read" });
  }
}

const approvedOptions = (): object =>
  approvedOnly()
    ? {
        minVersion: "TLSv1.3",
        ciphers: approvedTls.suites.join(":"),
        ecdhCurve: approvedTls.groups.join(":"),
      }
    : { minVersion: "TLSv1.2" };

export interface OpenedUpstream {
  readonly upstream: Upstream;
  readonly settings: UpstreamSettings;
  close(): Promise<void>;
}

/** Opens the server that settings name. Fails as "home-refused" when a file of theirs cannot be read. */
export function connectUpstream(
  home: Pick<Home, "path">,
  settings: UpstreamSettings,
  onFault: UpstreamDeps["onFault"],
): Result<OpenedUpstream> {
  const tls = readTlsFiles(home, settings);
  if (!tls.ok) return tls;
  const { base, timeoutMs, answerBytes, connections, tokenFile } = settings;
  const pool = new Pool(base.origin, {
    connections,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { ...tls.value, ...approvedOptions(), timeout: timeoutMs },
  });
  const upstream = createUpstream({
    base,
    timeoutMs,
    answerBytes,
    dispatcher: pool,
    bearer: async () => (tokenFile === null ? ok(null) : readToken(resolve(home.path, tokenFile))),
    onFault,
  });
  return ok({ upstream, settings, close: () => pool.destroy() });
}

/** The server that the home names; null when it names none. Fails as its settings do. */
export async function openUpstream(
  home: Pick<Home, "path">,
  onFault: UpstreamDeps["onFault"],
): Promise<Result<OpenedUpstream | null>> {
  const settings = await readUpstreamSettings(home);
  if (!settings.ok || settings.value === null) return settings.ok ? ok(null) : settings;
  return connectUpstream(home, settings.value, onFault);
}
