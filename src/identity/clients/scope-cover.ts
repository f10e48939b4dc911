/** A scope on FHIR data: SMART App Launch 2.2 §3.0.2, or one of version 1. */
interface DataScope {
  readonly context: string;
  /** A resource type, or "*". */
  readonly type: string;
  /** Of "cruds". */
  readonly letters: string;
  /** What stands behind "?"; empty when there is none. */
  readonly filter: string;
}

const dataScope =
  /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.((?=[cruds])c?r?u?d?s?|read|write|\*)(?:\?([\x21\x23-\x5b\x5d-\x7e]{1,200}))?$/;

const versionOne: Readonly<Record<string, string>> = { read: "rs", write: "cud", "*": "cruds" };

function parseDataScope(text: string): DataScope | null {
  const found = dataScope.exec(text);
  if (found === null) return null;
  const [, context = "", type = "", letters = "", filter = ""] = found;
  return { context, type, letters: versionOne[letters] ?? letters, filter };
}

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
  const data = parseDataScope(text);
  return data !== null && data.context !== "system";
}

/** A scope that a backend service may have: reading and searching, of all that policy lets services see. */
export function isServiceScope(text: string): boolean {
  const data = parseDataScope(text);
  return data?.context === "system" && /^r?s?$/.test(data.letters) && data.filter === "";
}

function isWithin(asked: DataScope, allowed: DataScope): boolean {
  return (
    asked.context === allowed.context &&
    (allowed.type === "*" || allowed.type === asked.type) &&
    Array.from(asked.letters).every((letter) => allowed.letters.includes(letter)) &&
    (allowed.filter === "" || allowed.filter === asked.filter)
  );
}

/** Those of the asked scopes that lie within the allowed: the same, or on data less than one of them. */
export function coveredScopes(
  asked: readonly string[],
  allowed: readonly string[],
): readonly string[] {
  const allowedData = allowed.flatMap((scope) => parseDataScope(scope) ?? []);
  return asked.filter((scope) => {
    const data = parseDataScope(scope);
    if (data === null) return allowed.includes(scope);
    return allowedData.some((one) => isWithin(data, one));
  });
}
