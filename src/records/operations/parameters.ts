import type { IncomingMessage } from "node:http";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { checkMediaType, httpLimits, readBody, textOf } from "#records/http.ts";

function valueOf(parameter: Readonly<Record<string, unknown>>): string | null {
  const [key, second] = Object.keys(parameter).filter((name) => /^value[A-Z]/.test(name));
  const value = key === undefined || second !== undefined ? undefined : parameter[key];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}

/**
 * A Parameters resource of simple values, as if they had stood in the address (R4 §3.2.0.2). Fails
 * as "json-broken" or "resource-invalid", naming the parameter.
 */
export function queryOfParameters(text: string): Result<URLSearchParams> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refuse("json-broken");
  }
  if (!isObject(body) || body.resourceType !== "Parameters")
    return refuse("resource-invalid", { at: "Parameters", detail: "is what this takes" });
  const query = new URLSearchParams();
  for (const [place, parameter] of listOf(body.parameter).entries()) {
    const value = isObject(parameter) ? valueOf(parameter) : null;
    if (!isObject(parameter) || typeof parameter.name !== "string" || value === null)
      return refuse("resource-invalid", {
        at: `Parameters.parameter[${place}]`,
        detail: "has a name and one simple value",
      });
    query.append(parameter.name, value);
  }
  return ok(query);
}

/** The parameters of an operation called by POST; none when the body is empty. Fails like a body does. */
export async function readParameters(request: IncomingMessage): Promise<Result<URLSearchParams>> {
  const body = await readBody(request, httpLimits.formBytes);
  if (!body.ok) return body;
  if (body.value.length === 0) return ok(new URLSearchParams());
  const typed = checkMediaType(request, "json");
  if (!typed.ok) return typed;
  const text = textOf(body.value);
  return text.ok ? queryOfParameters(text.value) : text;
}
