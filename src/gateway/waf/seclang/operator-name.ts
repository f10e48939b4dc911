/**
 * The operators a rule may name: those of OWASP CRS 3.3.4 and 4.x and their nearest kin that
 * operators' own exclusions use. Written as their canonical names; the language compares them
 * without regard to case.
 */
export const operatorNames = [
  "rx",
  "pm",
  "pmFromFile",
  "within",
  "contains",
  "containsWord",
  "strmatch",
  "beginsWith",
  "endsWith",
  "streq",
  "eq",
  "ge",
  "gt",
  "le",
  "lt",
  "ipMatch",
  "ipMatchFromFile",
  "validateByteRange",
  "validateUrlEncoding",
  "validateUtf8Encoding",
  "detectSQLi",
  "detectXSS",
  "verifyCC",
  // Both ask a third party or a data file about an address: they are read, and never match here.
  "rbl",
  "geoLookup",
  "unconditionalMatch",
  "noMatch",
] as const;

export type OperatorName = (typeof operatorNames)[number];

const aliases = { pmf: "pmFromFile", ipmatchf: "ipMatchFromFile" } as const;

const byLowerCase: ReadonlyMap<string, OperatorName> = new Map([
  ...operatorNames.map((name) => [name.toLowerCase(), name] as const),
  ...Object.entries(aliases),
]);

/** The canonical operator that `written` names, in any case or by its alias; null if none does. */
export function operatorNamed(written: string): OperatorName | null {
  return byLowerCase.get(written.toLowerCase()) ?? null;
}
