import type { IncomingMessage } from "node:http";
import { scanJson } from "#core/json.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { wireLimits } from "#keys/wire.ts";

/** Named with their units; our own clients come nowhere near them. */
const bodyLimits = { jsonDepth: 4, readMs: 2_000 } as const;

/**
 * Reads a JSON body. Fails with media-type-unsupported, body-too-large, json-broken, json-too-deep
 * or json-duplicate-key; a body that does not come in time ends the connection and throws.
 */
export async function readJson(request: IncomingMessage): Promise<Result<unknown>> {
  if (request.headers["content-type"] !== "application/json")
    return refuse("media-type-unsupported");
  const text = await readText(request, wireLimits.requestBytes);
  if (text === null) return refuse("body-too-large");
  const scanned = scanJson(text, bodyLimits.jsonDepth);
  if (!scanned.ok) return refuse(scanned.problem.code);
  const value: unknown = JSON.parse(text);
  return ok(value);
}

/**
 * Reads a JSON body in the one form that JSON.stringify gives it, as our own client sends it: that
 * is looked at in a quarter of the time, and has no key twice. Fails as readJson does.
 */
export async function readPlainJson(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Result<unknown>> {
  if (request.headers["content-type"] !== "application/json")
    return refuse("media-type-unsupported");
  const text = await readText(request, bytesMax);
  if (text === null) return refuse("body-too-large");
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? ok(value) : refuse("json-broken");
  } catch {
    // No JSON, or nested deeper than can be written again.
    return refuse("json-broken");
  }
}

async function readText(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), bodyLimits.readMs);
  try {
    // Left undestroyed at an early return: the refusal still has to go out on this connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const part = Buffer.from(chunk as Uint8Array);
      bytes += part.length;
      if (bytes > bytesMax) return null;
      chunks.push(part);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString("utf8");
}
