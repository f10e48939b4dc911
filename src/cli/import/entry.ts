import { createHash } from "node:crypto";
import { importLimits } from "#cli/import/limits.ts";
import { membersOf, stringMember } from "#cli/import/spans.ts";
import { scanJson, spliceJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** A resource as it stands in a file, every character as it was written but for an id it lacked. */
export interface Entry {
  readonly type: string;
  readonly id: string;
  /** Bundle.entry.fullUrl; null where there is none. */
  readonly fullUrl: string | null;
  readonly text: string;
}

/** Where an entry stands, for the person who must mend it. */
export interface Place {
  readonly file: string;
  /** Index in Bundle.entry, from 0; line of an NDJSON file, from 1. */
  readonly entry: number;
}

/** Methods of a transaction that bring a resource. */
const bringing: ReadonlySet<string> = new Set(["POST", "PUT"]);

/** Reads one item of Bundle.entry. Fails when it is not JSON, has no resource, or asks for a deletion. */
export function readBundleEntry(text: string): Result<Entry> {
  const scanned = scanJson(text, limits.jsonDepth + 1);
  if (!scanned.ok) return scanned;
  const resource = scanned.value.topLevel.get("resource");
  const request = scanned.value.topLevel.get("request");
  if (request !== undefined && text[request.start] === "{") {
    const method = stringMember(text, membersOf(text, request.start, ["method"]).get("method"));
    if (method !== null && !bringing.has(method)) {
      const detail = "Only entries that create or update are imported.";
      return refuse("method-not-allowed", { at: "Bundle.entry.request.method", detail });
    }
  }
  if (resource === undefined || text[resource.start] !== "{")
    return refuse("resource-invalid", { at: "Bundle.entry.resource", detail: "is required" });
  const fullUrl = stringMember(text, scanned.value.topLevel.get("fullUrl"));
  return identified(text.slice(resource.start, resource.end), fullUrl);
}

/** Reads a resource that stands by itself, in its own file or on its own line. */
export function readResource(text: string): Result<Entry> {
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const trimmed = text.trim();
  if (!trimmed.startsWith("{"))
    return refuse("resource-invalid", { detail: "must be a JSON object" });
  return identified(trimmed, null);
}

function identified(text: string, fullUrl: string | null): Result<Entry> {
  const members = membersOf(text, 0, ["resourceType", "id"]);
  const type = stringMember(text, members.get("resourceType"));
  if (type === null)
    return refuse("resource-invalid", { at: "resourceType", detail: "is required" });
  if (Buffer.byteLength(text) > importLimits.entryBytes)
    return refuse("body-too-large", {
      detail: `A resource may have ${importLimits.entryBytes} bytes.`,
    });
  const given = members.get("id");
  if (given !== undefined) {
    const id = stringMember(text, given);
    return id === null
      ? refuse("resource-invalid", { at: `${type}.id`, detail: "must be a string" })
      : ok({ type, id, fullUrl, text: onOneLine(text) });
  }
  const id = uuidIn(fullUrl) ?? derivedId(text);
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const completed = spliceJson(text, scanned.value, { id: JSON.stringify(id) });
  return ok({ type, id, fullUrl, text: onOneLine(completed) });
}

// A raw line break can only stand between tokens, as the text was scanned: RFC 8259 §7 forbids it
// in a string. It would end the line of NDJSON on which the resource travels.
function onOneLine(text: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]+/g, " ") : text;
}

const uuidUrn = /^urn:uuid:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/;

function uuidIn(fullUrl: string | null): string | null {
  return fullUrl === null ? null : (uuidUrn.exec(fullUrl)?.[1]?.toLowerCase() ?? null);
}

/**
 * The same text gives the same id, so that importing again changes nothing. Its place in the file
 * has no say: a line put in before it must not make one person's resource overwrite another's.
 */
function derivedId(text: string): string {
  const hash = createHash("sha256").update(text).digest();
  // RFC 9562 §5.8: a uuid whose free bits follow a rule of one's own.
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString("hex", 0, 16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

const fullUrlIn = /"fullUrl"\s*:\s*"(urn:uuid:([0-9a-fA-F-]{36}))"/;
const typeIn = /"resourceType"\s*:\s*"([A-Z][A-Za-z]{1,63})"/;

/**
 * What can be made out of an entry that cannot be read, so that those that refer to it still go
 * in: its fullUrl, and the type and id that it will have once it is mended. Null if it cannot.
 */
export function salvaged(text: string): Entry | null {
  const [, fullUrl, id] = fullUrlIn.exec(text) ?? [];
  const type = typeIn.exec(text)?.[1];
  if (fullUrl === undefined || id === undefined || type === undefined) return null;
  return { type: copied(type), id: copied(id), fullUrl: copied(fullUrl), text: "" };
}

/** A string of its own, where a slice would keep the whole text in memory. */
function copied(slice: string): string {
  return Buffer.from(slice).toString();
}
