import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Resource } from "@medplum/fhirtypes";
import { madeUpMerges, madeUpPairs } from "./charts.ts";
import type { AccessLogLine } from "../../src/core/wire.ts";
import type { Clinic } from "./clinic.ts";
import { madeUpCases, madeUpOpening } from "./emergencies.ts";

/** Answers the searches that the portal makes out of made-up records, in the server's own shapes. */
export function fixtureRecords(clinic: Clinic): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? "/", clinic.origin);
    const fault = clinic.faults.get(url.pathname);
    if (fault !== undefined) {
      sendFault(response, fault);
    } else if (request.headers.authorization !== `DPoP ${clinic.accessToken}`) {
      sendFault(response, { status: 401, code: "session-ended" });
    } else {
      answer(clinic, { url, request }, response);
    }
  };
}

export interface Fault {
  readonly status: number;
  readonly code: string;
}

function sendFault(response: ServerResponse, { status, code }: Fault): void {
  send(response, status, {
    resourceType: "OperationOutcome",
    issue: [
      {
        severity: "error",
        code: "exception",
        details: { coding: [{ system: "urn:phylax:problem", code }], text: code },
      },
    ],
  });
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

const copyBytes = Buffer.from("%PDF-1.3 a copy that is none".repeat(2_000));

const broken = new WeakSet<Clinic>();

/** A made-up copy that breaks off in the middle the first time it is fetched. */
function copy(clinic: Clinic, request: IncomingMessage, response: ServerResponse): void {
  if (request.method === "POST") {
    const made = { id: "copy", form: "pdf", bytes: copyBytes.length, resources: 3 };
    send(response, 201, {
      ...made,
      fileName: "health-record-2026-01-31.pdf",
      endsAt: "2026-02-01",
    });
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const length = copyBytes.length - from;
  response.writeHead(from === 0 ? 200 : 206, { "content-length": length });
  // Once only: a browser may throw away what came before the break, and begins anew then.
  if (broken.has(clinic)) {
    response.end(copyBytes.subarray(from));
    return;
  }
  broken.add(clinic);
  response.write(copyBytes.subarray(0, length / 2), () => response.destroy());
}

function answer(
  clinic: Clinic,
  { url, request }: { readonly url: URL; readonly request: IncomingMessage },
  response: ServerResponse,
): void {
  if (url.pathname === "/api/records/log") {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.end(clinic.checkpoint);
    return;
  }
  if (url.pathname === "/api/records/possible-duplicates") {
    send(response, 200, madeUpPairs);
    return;
  }
  if (url.pathname === "/api/records/chart-decisions") {
    send(response, 200, request.method === "GET" ? madeUpMerges : { id: "task", kind: "merge" });
    return;
  }
  if (url.pathname.startsWith("/api/records/break-glass")) {
    emergency(clinic, { url, request }, response);
    return;
  }
  if (url.pathname === "/api/records/access-requests") {
    if (request.method === "GET") send(response, 200, { requests: clinic.requests });
    else send(response, 201, clinic.requests[0]);
    return;
  }
  if (url.pathname.startsWith("/api/records/access-requests/")) {
    send(response, 200, clinic.requests[0]);
    return;
  }
  if (url.pathname.startsWith("/api/records/exports")) {
    copy(clinic, request, response);
    return;
  }
  if (url.pathname === "/api/records/access-log") {
    send(response, 200, accessLog(clinic.accessLog, url));
    return;
  }
  const [, , type = "", id] = url.pathname.split("/");
  if (id === undefined) {
    send(response, 200, search(clinic, type, url));
    return;
  }
  const found = clinic.resources.find((one) => one.resourceType === type && one.id === id);
  if (found === undefined) sendFault(response, { status: 404, code: "not-found" });
  else send(response, 200, found);
}

function emergency(
  clinic: Clinic,
  { url, request }: { readonly url: URL; readonly request: IncomingMessage },
  response: ServerResponse,
): void {
  const isOwn = url.searchParams.has("patient");
  const none = { openings: [] };
  if (request.method === "POST") send(response, 201, madeUpOpening.openings[0]);
  else send(response, 200, isOwn ? (clinic.isEmergency ? madeUpOpening : none) : madeUpCases);
}

const linesAPage = 20;

function accessLog(lines: readonly AccessLogLine[], url: URL) {
  const start = Number(url.searchParams.get("before") ?? 0);
  const end = start + linesAPage;
  return { readings: lines.slice(start, end), next: end < lines.length ? String(end) : null };
}

function search(clinic: Clinic, type: string, url: URL) {
  const query = url.searchParams;
  const matches = clinic.resources.filter(
    (one) =>
      one.resourceType === type &&
      isOf(one, query.get("patient")) &&
      isIn(one, query.get("category")),
  );
  const sorted = query.get("_sort") === "-date" ? matches.toSorted(newestFirst) : matches;
  const count = Number(query.get("_count") ?? 50);
  const start = Number(query.get("_cursor") ?? 0);
  const next = new URL(url);
  next.searchParams.set("_cursor", String(start + count));
  return {
    resourceType: "Bundle",
    type: "searchset",
    total: sorted.length,
    link: start + count < sorted.length ? [{ relation: "next", url: next.href }] : [],
    entry: sorted.slice(start, start + count).map((resource) => ({ resource })),
  };
}

function isOf(resource: Resource, patient: string | null): boolean {
  if (patient === null) return true;
  const json = JSON.stringify(resource);
  return json.includes(`"Patient/${patient}"`);
}

function isIn(resource: Resource, category: string | null): boolean {
  if (category === null) return true;
  return (
    resource.resourceType === "Observation" &&
    (resource.category ?? []).some(({ coding }) => coding?.some(({ code }) => code === category))
  );
}

function newestFirst(a: Resource, b: Resource): number {
  return dateOf(b).localeCompare(dateOf(a));
}

function dateOf(resource: Resource): string {
  if (resource.resourceType === "Observation") return resource.effectiveDateTime ?? "";
  if (resource.resourceType === "Encounter") return resource.period?.start ?? "";
  return resource.resourceType === "DocumentReference" ? (resource.date ?? "") : "";
}

/** Reads a small JSON body; null when it is none. */
export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return null;
  }
}
