import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** Where an existing FHIR server answers: `origin` and `path` make its base URL, no slash at the end. */
export interface UpstreamBase {
  readonly origin: string;
  readonly path: string;
}

/** An existing FHIR server in front of which the door stands, and by what it knows us. */
export interface UpstreamSettings {
  readonly base: UpstreamBase;
  /** PEM file of the CA that signed its certificate; null for those that Node trusts. */
  readonly caFile: string | null;
  /** PEM files of the certificate by which we prove ourselves. */
  readonly client: { readonly certificateFile: string; readonly keyFile: string } | null;
  /** File of the bearer token that is sent with each request. */
  readonly tokenFile: string | null;
  /** For a whole answer. */
  readonly timeoutMs: number;
  /** Bytes of one answer. */
  readonly answerBytes: number;
  readonly connections: number;
}

interface Bounds {
  readonly least: number;
  readonly usual: number;
  readonly most: number;
}

export const upstreamBounds = {
  timeoutMs: { least: 100, usual: 20_000, most: 25_000 },
  answerBytes: { least: 1_024, usual: 16 * 1024 * 1024, most: 64 * 1024 * 1024 },
  connections: { least: 1, usual: 16, most: 256 },
} as const satisfies Record<string, Bounds>;

const names = new Set([
  "baseUrl",
  "caFile",
  "certificateFile",
  "keyFile",
  "tokenFile",
  ...Object.keys(upstreamBounds),
]);

const refused = (at: string, detail: string): Result<never> =>
  refuse("home-refused", { at, detail: `upstream.json: ${at} ${detail}` });

const loopback = new Set(["127.0.0.1", "[::1]", "localhost"]);
// Segments of a base have no need of more, and what they are made of is never decoded.
const basePath = /^(?:\/[A-Za-z0-9._~-]+)*$/;

function parseBase(value: unknown): Result<UpstreamBase> {
  const at = "baseUrl";
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : null;
  if (url === null) return refused(at, "must be an address such as https://ehr.example.org/fhir");
  const isOpen = url.protocol === "http:" && loopback.has(url.hostname);
  if (url.protocol !== "https:" && !isOpen)
    return refused(at, "must be https; http is for this machine alone");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return refused(at, "must hold no user, question or fragment");
  const path = url.pathname.replace(/\/$/, "");
  return basePath.test(path)
    ? ok({ origin: url.origin, path })
    : refused(at, "has a path of other characters than A-Z a-z 0-9 . _ ~ -");
}

function parseFile(value: unknown, at: string): Result<string | null> {
  if (value === undefined) return ok(null);
  return typeof value === "string" && value !== "" ? ok(value) : refused(at, "must be a path");
}

function parseBound(value: unknown, at: keyof typeof upstreamBounds): Result<number> {
  const { least, usual, most } = upstreamBounds[at];
  if (value === undefined) return ok(usual);
  const fits = typeof value === "number" && Number.isInteger(value);
  return fits && value >= least && value <= most
    ? ok(value)
    : refused(at, `must be a whole number from ${least} to ${most}`);
}

/**
 * Reads what `upstream.json` says. Fails as "home-refused", naming the member, also for one that is
 * not known: a misspelt limit or certificate must not pass for none.
 */
export function parseUpstreamSettings(value: unknown): Result<UpstreamSettings> {
  if (!isRecord(value)) return refused("it", "must be a JSON object");
  const unknown = Object.keys(value).find((name) => !names.has(name));
  if (unknown !== undefined) return refused("it", "has a member that is not known");
  const base = parseBase(value["baseUrl"]);
  if (!base.ok) return base;
  const caFile = parseFile(value["caFile"], "caFile");
  if (!caFile.ok) return caFile;
  const certificateFile = parseFile(value["certificateFile"], "certificateFile");
  if (!certificateFile.ok) return certificateFile;
  const keyFile = parseFile(value["keyFile"], "keyFile");
  if (!keyFile.ok) return keyFile;
  const tokenFile = parseFile(value["tokenFile"], "tokenFile");
  if (!tokenFile.ok) return tokenFile;
  const client = clientOf(certificateFile.value, keyFile.value);
  if (!client.ok) return client;
  const timeoutMs = parseBound(value["timeoutMs"], "timeoutMs");
  if (!timeoutMs.ok) return timeoutMs;
  const answerBytes = parseBound(value["answerBytes"], "answerBytes");
  if (!answerBytes.ok) return answerBytes;
  const connections = parseBound(value["connections"], "connections");
  if (!connections.ok) return connections;
  return ok({
    base: base.value,
    caFile: caFile.value,
    client: client.value,
    tokenFile: tokenFile.value,
    timeoutMs: timeoutMs.value,
    answerBytes: answerBytes.value,
    connections: connections.value,
  });
}

function clientOf(
  certificateFile: string | null,
  keyFile: string | null,
): Result<UpstreamSettings["client"]> {
  if (certificateFile === null && keyFile === null) return ok(null);
  return certificateFile === null || keyFile === null
    ? refused("certificateFile", "and keyFile go together")
    : ok({ certificateFile, keyFile });
}
