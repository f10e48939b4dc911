import { Agent, request } from "undici";
import { outsideLimits } from "#identity/outside/limits.ts";
import type { OpenOutside, OutsideFetch } from "#identity/outside/relying-party.ts";

type Body = Parameters<OutsideFetch>[1]["body"];

function textOfBody(body: Body): string | null {
  if (body === null || body === undefined) return null;
  if (typeof body === "string") return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError("a request to a provider is a form or nothing");
}

/**
 * Requests to other houses: TLS 1.2 or newer, whole answers of bounded size in bounded time,
 * redirects not followed, and no connection kept, as a sign-in is rare and providers move.
 */
export const openOutside: OpenOutside = (authority) => async (url, options) => {
  const agent = new Agent({
    connect: {
      minVersion: "TLSv1.2",
      timeout: outsideLimits.requestMs,
      ...(authority === null ? {} : { ca: authority }),
    },
    headersTimeout: outsideLimits.requestMs,
    bodyTimeout: outsideLimits.requestMs,
    maxResponseSize: outsideLimits.answerBytes,
  });
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      method: options.method === "POST" ? "POST" : "GET",
      headers: options.headers,
      body: textOfBody(options.body),
      signal: options.signal ?? AbortSignal.timeout(outsideLimits.requestMs),
    });
    const bytes = await body.bytes();
    const given = Object.entries(headers).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value] satisfies [string, string]] : [],
    );
    const hasBody = statusCode !== 204 && statusCode !== 304;
    return new Response(hasBody ? bytes : null, { status: statusCode, headers: given });
  } catch (error) {
    if (error instanceof DOMException) throw error;
    throw new TypeError("the provider does not answer", { cause: error });
  } finally {
    await agent.destroy();
  }
};
