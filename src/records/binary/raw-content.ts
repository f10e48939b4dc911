import type { IncomingMessage } from "node:http";
import type { ResourceId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { refused, type Interaction, type Shown } from "#records/door.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { checkMediaType, readBody } from "#records/http.ts";
import { touch } from "#records/visit.ts";

export const binaryLimits = {
  /** Content sent or shown as it is, outside of JSON. */
  contentBytes: 5 * 1024 * 1024,
} as const;

const mediaType = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?:;[\x20-\x7e]*)?$/;
const mediaTypeChars = 200;

/** A media type fit for a header; null for anything else. */
function headerType(text: string): string | null {
  return text.length <= mediaTypeChars && mediaType.test(text) ? text : null;
}

/** Whether a Binary's content was sent as it is, and not as a resource (R4 §2.38.3). */
export function isRawContent(request: IncomingMessage): boolean {
  return !checkMediaType(request, "json").ok;
}

/**
 * A Binary, as JSON, made of content that was sent as it is: `X-Security-Context` refers to the
 * resource by whose record it may be seen. Fails as media-type-unsupported without a media type, or
 * as body-too-large.
 */
export async function rawBinaryText(
  request: IncomingMessage,
  id: ResourceId | null,
): Promise<Result<string>> {
  const contentType = headerType((request.headers["content-type"] ?? "").trim());
  if (contentType === null) return refuse("media-type-unsupported", { at: "Content-Type" });
  const body = await readBody(request, binaryLimits.contentBytes);
  if (!body.ok) return body;
  const reference = request.headers["x-security-context"];
  return ok(
    JSON.stringify({
      resourceType: "Binary",
      ...(id === null ? {} : { id }),
      contentType,
      ...(typeof reference === "string" ? { securityContext: { reference } } : {}),
      // R4 allows no empty string: content of no bytes is a Binary without data.
      ...(body.value.length === 0 ? {} : { data: body.value.toString("base64") }),
    }),
  );
}

const resourceTypes = /(?:application|text)\/(?:fhir\+)?json/i;

/** Whether the caller wants the content itself rather than the resource that holds it. */
export function wantsContent(request: IncomingMessage, query: URLSearchParams): boolean {
  return !query.has("_format") && !resourceTypes.test(request.headers.accept ?? "");
}

function accepts({ headers }: IncomingMessage, contentType: string): boolean {
  const { accept } = headers;
  if (accept === undefined || accept.trim() === "") return true;
  const [own = ""] = contentType.toLowerCase().split(";");
  const family = own.split("/")[0] ?? "";
  return accept
    .toLowerCase()
    .split(",")
    .map((item) => item.split(";")[0]?.trim())
    .some((item) => item === "*/*" || item === `${family}/*` || item === own.trim());
}

/** The answer of a reading with the content in the resource's place; null when the caller does not take it. */
function contentAnswer(request: IncomingMessage, answer: Shown["answer"]): Shown["answer"] | null {
  const { body, headers } = answer;
  // Nothing to show: what is held already is still the newest.
  if (typeof body !== "string") return answer;
  const value: unknown = JSON.parse(body);
  const { contentType, data } = isObject(value) ? value : {};
  const stated = typeof contentType === "string" ? headerType(contentType) : null;
  const type = stated ?? "application/octet-stream";
  if (!accepts(request, type)) return null;
  return {
    ...answer,
    // A file of a stranger's making, under our own address: to be kept, never to be shown as a page.
    headers: { ...headers, "content-type": type, "content-disposition": "attachment" },
    body: Buffer.from(typeof data === "string" ? data : "", "base64"),
  };
}

/** Turns a reading of a Binary into one of its content. */
export function contentOf(reading: Interaction, request: IncomingMessage): Interaction {
  return async (visit) => {
    const outcome = await reading(visit);
    if (outcome.kind !== "shown") return outcome;
    const answer = contentAnswer(request, outcome.answer);
    if (answer !== null) return { ...outcome, answer };
    const [about] = outcome.touches;
    const found = problem("not-acceptable", { at: "Accept" });
    return refused(found, about ?? touch({ action: "read", compartment: null }));
  };
}
