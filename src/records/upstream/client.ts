import type { Dispatcher } from "undici";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { textOf } from "#records/http.ts";
import type { Fault } from "#records/server.ts";
import type { UpstreamBase, UpstreamSettings } from "#records/upstream/settings.ts";

/** An existing FHIR server. Each answer is JSON text, believed in nothing yet. */
export interface Upstream {
  readonly base: UpstreamBase;
  read(type: ResourceType, id: ResourceId): Promise<Result<string>>;
  version(type: ResourceType, id: ResourceId, version: number): Promise<Result<string>>;
  /** By POST, which keeps what is looked for out of its address and so out of its access log. */
  search(type: ResourceType, form: URLSearchParams): Promise<Result<string>>;
  /** A page by the path that the server gave for it; see nextPathOf. */
  page(path: string): Promise<Result<string>>;
  /** Its CapabilityStatement. */
  metadata(): Promise<Result<string>>;
}

export interface UpstreamDeps extends Pick<UpstreamSettings, "base" | "timeoutMs" | "answerBytes"> {
  /** Connections to the origin of `base`; follows no redirect. */
  readonly dispatcher: Pick<Dispatcher, "request">;
  /** The token to send; null for none. Fails when there should be one and it cannot be had. */
  readonly bearer: () => Promise<Result<string | null>>;
  /** Told why it gives no usable answer; the caller learns only that. */
  readonly onFault: (fault: Fault) => void;
}

const pathMaxCharacters = 4_000;

/**
 * The path of a link that the server gave for a further page; null when it leads anywhere but below
 * its own base, so that no answer can send us to another machine.
 */
export function nextPathOf(link: string, { origin, path }: UpstreamBase): string | null {
  const base = `${origin}${path}/`;
  if (link.length > pathMaxCharacters || !URL.canParse(link, base)) return null;
  const url = new URL(link, base);
  if (url.origin !== origin || url.username !== "" || url.password !== "") return null;
  const isBelow = url.pathname === path || url.pathname.startsWith(`${path}/`);
  return isBelow ? url.pathname + url.search : null;
}

// R4 allows them as ids; as segments of a path they would lead out of the type.
const isDots = (id: ResourceId): boolean => /^\.{1,2}$/.test(id);

const jsonType = /^application\/(?:fhir\+)?json(?:\s*;|$)/i;

/** `status` is the server's. It alone tells what went wrong: its words may hold anything. */
function refusalOf(status: number): Result<never> {
  switch (status) {
    case 404:
    case 410:
      return refuse("not-found");
    case 400:
    case 422:
      return refuse("parameter-unknown", {
        detail: "The FHIR server behind this one does not take what was asked.",
      });
    case 429:
    case 503:
      return refuse("overloaded");
    case 504:
      return refuse("upstream-too-slow");
    default:
      return refuse("upstream-unavailable");
  }
}

const expectedOfCallers: ReadonlySet<number> = new Set([404, 410, 400, 422]);

async function bodyOf(
  body: Dispatcher.ResponseData["body"],
  maxBytes: number,
): Promise<Result<string>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      return refuse("upstream-refused", { detail: "It is larger than is accepted." });
    chunks.push(chunk);
  }
  const text = textOf(Buffer.concat(chunks));
  return text.ok ? text : refuse("upstream-refused");
}

interface Asking {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly form?: URLSearchParams;
}

/** Asks one FHIR server. Whatever it answers but JSON by 200 is a problem without its words. */
export function createUpstream(deps: UpstreamDeps): Upstream {
  const { base, dispatcher, timeoutMs, answerBytes, onFault } = deps;
  const fault = (code: string): void => onFault({ name: "UpstreamFault", code, where: "" });

  const take = async ({
    statusCode,
    headers,
    body,
  }: Dispatcher.ResponseData): Promise<Result<string>> => {
    const isJson = jsonType.test(String(headers["content-type"] ?? ""));
    if (statusCode === 200 && isJson) {
      const text = await bodyOf(body, answerBytes);
      if (!text.ok) fault("answer-refused");
      return text;
    }
    // What is not read must not fail later, when nobody waits for it.
    body.on("error", () => {}).destroy();
    if (!expectedOfCallers.has(statusCode)) fault(`status-${statusCode}`);
    return statusCode === 200 ? refuse("upstream-refused") : refusalOf(statusCode);
  };

  const ask = async ({ method, path, form }: Asking): Promise<Result<string>> => {
    const bearer = await deps.bearer();
    if (!bearer.ok) {
      fault("token-missing");
      return refuse("upstream-unavailable");
    }
    const authorization = bearer.value === null ? {} : { authorization: `Bearer ${bearer.value}` };
    const type = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answered = await dispatcher.request({
        method,
        origin: base.origin,
        path,
        headers: { accept: "application/fhir+json", ...authorization, ...type },
        body: form?.toString() ?? null,
        signal,
      });
      return await take(answered);
    } catch {
      fault(signal.aborted ? "too-slow" : "no-answer");
      return refuse(signal.aborted ? "upstream-too-slow" : "upstream-unavailable");
    }
  };

  const instance = (type: ResourceType, id: ResourceId): string => `${base.path}/${type}/${id}`;
  const get = (path: string): Promise<Result<string>> => ask({ method: "GET", path });
  return {
    base,
    read: async (type, id) => (isDots(id) ? refuse("not-found") : get(instance(type, id))),
    version: async (type, id, version) =>
      isDots(id) ? refuse("not-found") : get(`${instance(type, id)}/_history/${version}`),
    search: (type, form) => ask({ method: "POST", path: `${base.path}/${type}/_search`, form }),
    page: async (path) => {
      const checked = nextPathOf(base.origin + path, base);
      return checked === null ? refuse("parameter-invalid", { at: "_cursor" }) : get(checked);
    },
    metadata: () => get(`${base.path}/metadata`),
  };
}

/** The FHIR version that a server says it speaks; null when it says none. */
export function fhirVersionOf(metadata: string): Result<string | null> {
  try {
    const value: unknown = JSON.parse(metadata);
    const version =
      typeof value === "object" && value !== null && "fhirVersion" in value
        ? value.fhirVersion
        : null;
    return ok(typeof version === "string" && /^[0-9.]{1,12}$/.test(version) ? version : null);
  } catch {
    return refuse("upstream-refused");
  }
}
