import { parseSmartScope, type SmartScope } from "#core/smart-scope.ts";

/** Scopes that are not about data: SMART App Launch 2.2 §3.0.1 and OpenID Connect. */
const otherScopes: ReadonlySet<string> = new Set([
  "openid",
  "fhirUser",
  "launch",
  "launch/patient",
  "online_access",
  "offline_access",
]);

/** A scope that an app with a person before it may have. */
export function isPersonScope(text: string): boolean {
  if (otherScopes.has(text)) return true;
  const data = parseSmartScope(text);
  return data !== null && data.context !== "system";
}

/** A scope that a backend service may have: reading and searching, of all that policy lets services see. */
export function isServiceScope(text: string): boolean {
  const data = parseSmartScope(text);
  return data?.context === "system" && /^r?s?$/.test(data.letters) && data.filter === null;
}

function isWithin(asked: SmartScope, allowed: SmartScope): boolean {
  return (
    asked.context === allowed.context &&
    (allowed.type === "*" || allowed.type === asked.type) &&
    Array.from(asked.letters).every((letter) => allowed.letters.includes(letter)) &&
    (allowed.filter === null || allowed.filter === asked.filter)
  );
}

/** Those of the asked scopes that lie within the allowed: the same, or on data less than one of them. */
export function coveredScopes(
  asked: readonly string[],
  allowed: readonly string[],
): readonly string[] {
  const allowedData = allowed.flatMap((scope) => parseSmartScope(scope) ?? []);
  return asked.filter((scope) => {
    const data = parseSmartScope(scope);
    if (data === null) return allowed.includes(scope);
    return allowedData.some((one) => isWithin(data, one));
  });
}
