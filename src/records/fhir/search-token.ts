import { ok, type Result } from "#core/result.ts";
import { r4Alone } from "#records/fhir/conformance.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import {
  filterAlone,
  invalid,
  splitUnescaped,
  unescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";
import { isLabelled, tokenLabel } from "#records/fhir/search-labels.ts";
import { captionsOf, folded, tokensOf, type Token } from "#records/fhir/search-values.ts";
import { terminologyOf } from "#records/fhir/terminology/terminology.ts";

const known = ":not, :text, :of-type and :missing";

/** `undefined` for a system leaves it open, null asks for a token without one; so do codes. */
interface WantedToken {
  readonly system: string | null | undefined;
  readonly code: string | undefined;
}

/** `code`, `system|code`, `|code` or `system|`; null for anything else (R4 §3.1.1.4.10). */
export function wantedToken(value: string): WantedToken | null {
  const [first = "", second, more] = splitUnescaped(value, "|").map(unescaped);
  if (more !== undefined) return null;
  if (second === undefined) return first === "" ? null : { system: undefined, code: first };
  if (first === "" && second === "") return null;
  return { system: first === "" ? null : first, code: second === "" ? undefined : second };
}

export const isWantedToken =
  ({ system, code }: WantedToken) =>
  (token: Token): boolean =>
    (code === undefined || token.code === code) &&
    (system === undefined || token.system === system);

/** R4 §3.1.1.4.10: an element of type code implies a system, by the value set that it is bound to. */
function implied({ system, code }: WantedToken, { rule }: Asked): (value: unknown) => boolean {
  if (typeof system !== "string") return () => false;
  return (value) =>
    typeof value === "string" &&
    (code === undefined || value === code) &&
    rule.valueSets().some(
      (url) =>
        terminologyOf(r4Alone)
          .valueSet(url)
          ?.has(system ?? "", value) === true,
    );
}

function plainFilter(asked: Asked): Result<ValueFilter> {
  const wanted = wantedToken(asked.value);
  if (wanted === null) return invalid(asked, "is not code, |code, system| or system|code");
  const isWanted = isWantedToken(wanted);
  const isImplied = implied(wanted, asked);
  const found: ValueFilter["matches"] = (values) =>
    values.some((value) => tokensOf(value).some(isWanted) || isImplied(value));
  if (asked.modifier === "not") return ok(filterAlone((values) => !found(values)));
  const { code } = wanted;
  const isIndexed = code !== undefined && isLabelled(asked.rule);
  const labels = isIndexed ? [tokenLabel(asked.rule.code, code)] : null;
  return ok({ matches: found, labels, bounds: null });
}

/** Words of the text beside a code, by how one of them begins. */
function textFilter(asked: Asked): Result<ValueFilter> {
  const start = folded(unescaped(asked.value));
  if (start === "") return invalid(asked, "is empty");
  const begins = (caption: string): boolean => {
    const text = folded(caption);
    return text.startsWith(start) || text.includes(` ${start}`);
  };
  return ok(filterAlone((values) => values.flatMap(captionsOf).some(begins)));
}

/** `system|code|value`: an Identifier of a type, by its value (R4 §3.1.1.4.10, `:of-type`). */
function ofTypeFilter(asked: Asked): Result<ValueFilter> {
  const parts = splitUnescaped(asked.value, "|").map(unescaped);
  const [system, code, text] = parts;
  if (parts.length !== 3 || parts.includes("")) return invalid(asked, "is not system|code|value");
  const isOfType = (value: unknown): boolean =>
    isObject(value) &&
    value.value === text &&
    isObject(value.type) &&
    listOf(value.type.coding).some(
      (coding) => isObject(coding) && coding.system === system && coding.code === code,
    );
  return ok(filterAlone((values) => values.some(isOfType)));
}

/** A code, with or without its system. */
export function tokenFilter(asked: Asked): Result<ValueFilter> {
  switch (asked.modifier) {
    case null:
    case "not":
      return plainFilter(asked);
    case "text":
      return textFilter(asked);
    case "of-type":
      return asked.rule.code === "identifier" ? ofTypeFilter(asked) : unsupported(asked, known);
    default:
      return unsupported(asked, known);
  }
}
