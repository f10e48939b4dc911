import { at, isObject, list, text } from "./json.ts";

export interface Page {
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  /** Path and query of the next page on our own origin; null at the last. */
  readonly next: string | null;
}

/**
 * Reads a searchset. Only a `next` link of our own origin is followed, as a token must not travel
 * elsewhere. Resources that say of themselves that they were entered in error are left out.
 */
export function readPage(bundle: unknown, origin: string): Page {
  const resources = list(at(bundle, "entry")).flatMap((entry) => {
    const resource = at(entry, "resource");
    const isOutcome = at(entry, "search", "mode") === "outcome";
    return isObject(resource) && !isOutcome && !isWithdrawn(resource) ? [resource] : [];
  });
  const link = list(at(bundle, "link")).find((one) => at(one, "relation") === "next");
  return { resources, next: ownPath(text(at(link, "url")), origin) };
}

function isWithdrawn(resource: unknown): boolean {
  if (at(resource, "status") === "entered-in-error") return true;
  return list(at(resource, "verificationStatus", "coding")).some(
    (coding) => at(coding, "code") === "entered-in-error",
  );
}

function ownPath(url: string | null, origin: string): string | null {
  if (url === null || !URL.canParse(url, origin)) return null;
  const parsed = new URL(url, origin);
  return parsed.origin === origin ? `${parsed.pathname}${parsed.search}` : null;
}
