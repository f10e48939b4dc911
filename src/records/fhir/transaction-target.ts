import type { BundleEntry } from "@medplum/fhirtypes";
import { parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { knownResourceType, type ParsedResource } from "#records/fhir/parse.ts";

/** What one entry of a transaction or batch asks for. */
export type Action =
  | {
      readonly method: "POST" | "PUT";
      readonly type: ResourceType;
      readonly id: ResourceId;
      /** The entry's resource, its references to other entries made literal. */
      readonly parsed: ParsedResource;
      /** The version that must be the current one; null when any. */
      readonly ifVersion: number | null;
    }
  | {
      readonly method: "DELETE";
      readonly type: ResourceType;
      readonly id: ResourceId;
      readonly ifVersion: number | null;
    }
  | { readonly method: "GET"; readonly type: ResourceType; readonly id: ResourceId }
  | { readonly method: "GET"; readonly type: ResourceType; readonly query: URLSearchParams };

/** What a request of an entry is aimed at, before its resource is read. */
export type Target = Write | Extract<Action, { method: "GET" | "DELETE" }>;
export type Write = Omit<Extract<Action, { method: "POST" | "PUT" }>, "parsed">;

export interface TransactionDeps {
  /** `https://host`: links that begin with it and `/fhir` are the server's own. */
  readonly publicOrigin: string;
  readonly random: Pick<Random, "uuid">;
  /** By which entries are checked; R4 alone when left out. */
  readonly conformance?: Conformance;
}

/** Refuses a thing that R4 has and this server does not do. */
export function notSupported(at: string, what: string): Result<never> {
  return refuse("parameter-unknown", { at, detail: `${what} is not supported` });
}

export function invalid(at: string, detail: string): Result<never> {
  return refuse("resource-invalid", { at, detail });
}

const etag = /^(?:W\/)?"([1-9][0-9]{0,8})"$/;

function parseIfMatch(text: string | undefined): Result<number | null> {
  if (text === undefined) return ok(null);
  const version = etag.exec(text)?.[1];
  return version === undefined
    ? invalid("request.ifMatch", "is no version of ours")
    : ok(Number(version));
}

function getTarget(type: ResourceType, rest: string, query: string | null): Result<Target> {
  if (query !== null) return ok({ method: "GET", type, query: new URLSearchParams(query) });
  const id = parseResourceId(rest);
  if (rest === "") return ok({ method: "GET", type, query: new URLSearchParams() });
  return id === null
    ? notSupported("request.url", "a GET of more than Type/id or Type?query")
    : ok({ method: "GET", type, id });
}

/** `Patient/1` of `https://host/fhir/Patient/1`; null when the address is not the server's own. */
export function withoutBase(address: string, publicOrigin: string): string | null {
  const base = `${publicOrigin}/fhir/`;
  return address.startsWith(base) ? address.slice(base.length) : null;
}

/** Reads `request`: its method and the `Type`, `Type/id` or `Type?query` of its url. */
export function parseTarget(
  request: NonNullable<BundleEntry["request"]>,
  deps: TransactionDeps,
): Result<Target> {
  const url = withoutBase(request.url, deps.publicOrigin) ?? request.url;
  const [path = "", query = null] = url.split(/\?(.*)/s, 2);
  const [typeName = "", ...more] = path.split("/");
  const rest = more.join("/");
  const type = knownResourceType(typeName);
  if (type === null) return refuse("resource-type-unknown", { at: "request.url" });
  if (request.ifNoneExist !== undefined) return notSupported("request.ifNoneExist", "ifNoneExist");
  if (request.ifNoneMatch !== undefined || request.ifModifiedSince !== undefined)
    return notSupported("request", "a conditional read");
  const { method } = request;
  if (method === "GET") return getTarget(type, rest, query);
  if (query !== null) return notSupported("request.url", `a conditional ${method}`);
  if (method === "POST") {
    const id = parseResourceId(deps.random.uuid());
    if (rest !== "" || id === null) return invalid("request.url", "must be the type alone");
    return ok({ method, type, id, ifVersion: null });
  }
  if (method !== "PUT" && method !== "DELETE")
    return refuse("method-not-allowed", { at: "request.method" });
  const id = parseResourceId(rest);
  const ifVersion = parseIfMatch(request.ifMatch);
  if (!ifVersion.ok) return ifVersion;
  if (id === null) return invalid("request.url", "must be Type/id");
  return ok({ method, type, id, ifVersion: ifVersion.value });
}

export function isWrite(target: Target): target is Write {
  return target.method === "POST" || target.method === "PUT";
}
