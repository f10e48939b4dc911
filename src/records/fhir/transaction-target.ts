import type { BundleEntry } from "@medplum/fhirtypes";
import type { Instant } from "#core/clock.ts";
import { parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { knownResourceType, type ParsedResource } from "#records/fhir/parse.ts";
import type { Patch } from "#records/fhir/patch/patch.ts";

/** What one entry of a transaction or batch comes to, once its conditions are looked up. */
export type Action =
  | {
      readonly method: "POST" | "PUT";
      readonly type: ResourceType;
      readonly id: ResourceId;
      /** The entry's resource, its references to other entries made literal. */
      readonly parsed: ParsedResource;
      /** The version that must be the current one, 0 for none at all; null when any. */
      readonly ifVersion: number | null;
      /** True when that version is one that a condition found. */
      readonly ownVersion: boolean;
    }
  | ({ readonly method: "PATCH"; readonly patch: Patch } & Aimed)
  | ({ readonly method: "DELETE" } & Aimed)
  /** If-None-Exist found it: nothing is written. */
  | { readonly method: "FOUND"; readonly type: ResourceType; readonly match: FoundMatch }
  /** A deletion by a condition that nothing meets. */
  | { readonly method: "NOTHING"; readonly type: ResourceType }
  | Reading;

interface Aimed {
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly ifVersion: number | null;
  readonly ownVersion: boolean;
}

type Reading =
  | {
      readonly method: "GET";
      readonly type: ResourceType;
      readonly id: ResourceId;
      readonly ifNoneMatch?: string | undefined;
      readonly ifModifiedSince?: string | undefined;
    }
  | { readonly method: "GET"; readonly type: ResourceType; readonly query: URLSearchParams };

/** The one resource that meets a condition. */
export interface FoundMatch {
  readonly id: ResourceId;
  readonly version: number;
  readonly lastUpdated: Instant;
  readonly text: string;
}

/** What a request of an entry is aimed at, before conditions are looked up and its resource is read. */
export type Target =
  | {
      readonly method: "POST";
      readonly type: ResourceType;
      /** The id that it will have, unless `condition` finds one. */
      readonly id: ResourceId;
      /** ifNoneExist; null without. */
      readonly condition: URLSearchParams | null;
    }
  | {
      readonly method: "PUT" | "PATCH" | "DELETE";
      readonly type: ResourceType;
      /** Of the address; of one by condition a fresh id, for where nothing meets it. */
      readonly id: ResourceId;
      /** Null when the address names the id. */
      readonly condition: URLSearchParams | null;
      readonly ifVersion: number | null;
    }
  | Reading;

export interface TransactionDeps {
  /** `https://host`: links that begin with it and `/fhir` are the server's own. */
  readonly publicOrigin: string;
  readonly random: Pick<Random, "uuid">;
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

type Request = NonNullable<BundleEntry["request"]>;

/** The parts of a url: `Type`, `Type/id` or `Type?query`. */
interface Aim {
  readonly type: ResourceType;
  readonly rest: string;
  readonly query: URLSearchParams | null;
}

function getTarget({ type, rest, query }: Aim, request: Request): Result<Target> {
  if (query !== null) return ok({ method: "GET", type, query });
  if (rest === "") return ok({ method: "GET", type, query: new URLSearchParams() });
  const id = parseResourceId(rest);
  const { ifNoneMatch, ifModifiedSince } = request;
  return id === null
    ? refuse("parameter-unknown", {
        at: "request.url",
        detail: "a GET of more than Type/id or Type?query is not supported",
      })
    : ok({ method: "GET", type, id, ifNoneMatch, ifModifiedSince });
}

function postTarget(
  { type, rest, query }: Aim,
  request: Request,
  { random }: TransactionDeps,
): Result<Target> {
  const id = parseResourceId(random.uuid());
  if (rest !== "" || query !== null || id === null)
    return invalid("request.url", "must be the type alone");
  const { ifNoneExist } = request;
  const condition = ifNoneExist === undefined ? null : parseCondition(ifNoneExist);
  return ok({ method: "POST", type, id, condition });
}

/** Reads `If-None-Exist`: a query, with or without the type and question mark before it. */
export function parseCondition(text: string): URLSearchParams {
  return new URLSearchParams(text.replace(/^[A-Za-z]*\?/, ""));
}

/** `Patient/1` of `https://host/fhir/Patient/1`; null when the address is not the server's own. */
export function withoutBase(address: string, publicOrigin: string): string | null {
  const base = `${publicOrigin}/fhir/`;
  return address.startsWith(base) ? address.slice(base.length) : null;
}

/** Reads `request`: its method and the `Type`, `Type/id` or `Type?query` of its url. */
export function parseTarget(request: Request, deps: TransactionDeps): Result<Target> {
  const url = withoutBase(request.url, deps.publicOrigin) ?? request.url;
  const [path = "", queryText] = url.split(/\?(.*)/s, 2);
  const query = queryText === undefined ? null : new URLSearchParams(queryText);
  const [typeName = "", ...more] = path.split("/");
  const rest = more.join("/");
  const type = knownResourceType(typeName);
  if (type === null) return refuse("resource-type-unknown", { at: "request.url" });
  if (type === "AuditEvent")
    return refuse("method-not-allowed", {
      at: "request.method",
      detail: "The log is read at its own address, and written by nobody.",
    });
  const aim = { type, rest, query };
  const { method } = request;
  if (method === "GET") return getTarget(aim, request);
  if (method === "POST") return postTarget(aim, request, deps);
  if (method !== "PUT" && method !== "DELETE" && method !== "PATCH")
    return refuse("method-not-allowed", { at: "request.method" });
  const ifVersion = parseIfMatch(request.ifMatch);
  if (!ifVersion.ok) return ifVersion;
  const id = parseResourceId(query === null ? rest : deps.random.uuid());
  if (id === null || (query !== null && rest !== ""))
    return invalid("request.url", "must be Type/id or Type?query");
  return ok({ method, type, id, condition: query, ifVersion: ifVersion.value });
}

/** Whether an entry of this target carries a resource. */
export function carriesResource({ method }: Target): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}
