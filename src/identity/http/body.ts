import type { IncomingMessage } from "node:http";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { identityLimits } from "#identity/limits.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Null when it is longer than the limit, stops short or takes too long. */
function readBytes(request: IncomingMessage): Promise<Buffer | null> {
  // Gone before anybody listened: no event will tell of it any more.
  if (request.destroyed) return Promise.resolve(null);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => end(null), identityLimits.bodyMs);
    const end = (whole: Buffer | null): void => {
      clearTimeout(timer);
      request.off("data", take);
      resolve(whole);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > identityLimits.bodyBytes) end(null);
    };
    request.on("data", take);
    request.once("end", () => end(Buffer.concat(chunks, length)));
    request.once("error", () => end(null));
    request.once("close", () => end(null));
  });
}

function parse(bytes: Buffer): Result<JsonObject> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isRecord(value) ? ok(value) : refuse("json-broken");
  } catch {
    return refuse("json-broken");
  }
}

/**
 * Reads one JSON object of at most 64 KiB. The media type must be application/json, which no form
 * of another site can send without the browser asking us first.
 */
export async function readJson(request: IncomingMessage): Promise<Result<JsonObject>> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") return refuse("media-type-unsupported");
  const bytes = await readBytes(request);
  return bytes === null ? refuse("body-too-large") : parse(bytes);
}

/** The text under `name`, from 1 to `maxChars` UTF-16 units; null when it is none. */
export function textOf(body: JsonObject, name: string, maxChars: number): string | null {
  const value = body[name];
  return typeof value === "string" && value !== "" && value.length <= maxChars ? value : null;
}
