/**
 * The transformations a rule may name: those of OWASP CRS 3.3.4 and 4.x, and the few others
 * that the language has had from its start. `none` is not one: it clears what stands before it.
 */
export const transformationNames = [
  "base64Decode",
  "base64DecodeExt",
  "base64Encode",
  "cmdLine",
  "compressWhitespace",
  "cssDecode",
  "escapeSeqDecode",
  "hexDecode",
  "hexEncode",
  "htmlEntityDecode",
  "jsDecode",
  "length",
  "lowercase",
  "md5",
  "normalizePath",
  "normalizePathWin",
  "removeComments",
  "removeCommentsChar",
  "removeNulls",
  "removeWhitespace",
  "replaceComments",
  "replaceNulls",
  "sha1",
  "trim",
  "trimLeft",
  "trimRight",
  "uppercase",
  "urlDecode",
  "urlDecodeUni",
  "urlEncode",
  "utf8toUnicode",
] as const;

export type TransformationName = (typeof transformationNames)[number];

// The British spelling came first and older rules still write it.
const aliases = { normalisepath: "normalizePath", normalisepathwin: "normalizePathWin" } as const;

const byLowerCase: ReadonlyMap<string, TransformationName> = new Map([
  ...transformationNames.map((name) => [name.toLowerCase(), name] as const),
  ...Object.entries(aliases),
]);

/** The canonical transformation that `written` names, in any case; null if none does. */
export function transformationNamed(written: string): TransformationName | null {
  return byLowerCase.get(written.toLowerCase()) ?? null;
}
