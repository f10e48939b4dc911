import type { IncomingMessage } from "node:http";
import { parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import type { Random } from "#core/random.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { isRawContent, rawBinaryText } from "#records/binary/raw-content.ts";
import { checkMediaType, readBody, textOf } from "#records/http.ts";

/** Reads a JSON body's text; fails as media-type-unsupported, body-too-large or json-broken. */
export async function readJsonText(
  request: IncomingMessage,
  maxBytes: number = limits.bodyBytes,
): Promise<Result<string>> {
  const typed = checkMediaType(request, "json");
  if (!typed.ok) return typed;
  const body = await readBody(request, maxBytes);
  return body.ok ? textOf(body.value) : body;
}

/** The value of a JSON body that is no resource; fails as readJsonText does. */
export async function readJsonValue(
  request: IncomingMessage,
  maxBytes: number = limits.bodyBytes,
): Promise<Result<unknown>> {
  const text = await readJsonText(request, maxBytes);
  if (!text.ok) return text;
  try {
    return ok(JSON.parse(text.value) as unknown);
  } catch {
    return refuse("json-broken");
  }
}

/** Reads a resource: JSON, or the bare content of a Binary. Fails as readJsonText does. */
export async function readResourceText(
  request: IncomingMessage,
  { type, id }: { readonly type: ResourceType; readonly id: ResourceId | null },
): Promise<Result<string>> {
  const isRaw = (type as string) === "Binary" && isRawContent(request);
  return isRaw ? rawBinaryText(request, id) : readJsonText(request);
}

export function newId({ random }: { readonly random: Pick<Random, "uuid"> }): ResourceId {
  const id = parseResourceId(random.uuid());
  invariant(id !== null, "a uuid is a resource id");
  return id;
}
