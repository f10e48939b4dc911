import { ok, type Result } from "#core/result.ts";
import { isObject } from "#records/fhir/json-value.ts";
import {
  filterAlone,
  invalid,
  unescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";
import { isWantedToken, wantedToken } from "#records/fhir/search-token.ts";
import { tokensOf } from "#records/fhir/search-values.ts";

const historyPart = /\/_history\/[^/]*$/;

/** A canonical may name a version, of which a search that names none asks nothing. */
function isCanonical(value: string, wanted: ReadonlySet<string>): boolean {
  const at = value.indexOf("|");
  return at !== -1 && wanted.has(value.slice(0, at));
}

/** A bare id stands for that id of every type that the parameter may point to. */
function wantedReferences(
  text: string,
  types: readonly string[],
  base: string | null,
): ReadonlySet<string> {
  const full = text.includes("/") || text.includes(":");
  if (!full) return new Set(types.map((type) => `${type}/${text}`));
  const isOurs = base !== null && text.startsWith(`${base}/`);
  return new Set(isOurs ? [text, text.slice(base.length + 1)] : [text]);
}

/** R4 §3.1.1.4.12 `:identifier`: by the identifier that stands in the reference itself. */
function identifierFilter(asked: Asked): Result<ValueFilter> {
  const wanted = wantedToken(asked.value);
  if (wanted === null) return invalid(asked, "is not value, |value, system| or system|value");
  const isWanted = isWantedToken(wanted);
  return ok(
    filterAlone((values) =>
      values.some((value) => isObject(value) && tokensOf(value.identifier).some(isWanted)),
    ),
  );
}

/** `Type/id`, an address, or an id of a type that the modifier or the parameter names. */
export function referenceFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier, where } = asked;
  if (modifier === "identifier") return identifierFilter(asked);
  const text = unescaped(asked.value);
  if (text === "") return invalid(asked, "is empty");
  if (modifier !== null && !rule.targets.includes(modifier))
    return unsupported(
      asked,
      `:identifier, :missing and the name of a type: ${rule.targets.join(", ")}`,
    );
  const wanted = wantedReferences(text, modifier === null ? rule.targets : [modifier], where.base);
  return ok(
    filterAlone((values) =>
      values.some((value) => {
        const reference = isObject(value) ? value.reference : value;
        if (typeof reference !== "string") return false;
        return (
          wanted.has(reference) ||
          wanted.has(reference.replace(historyPart, "")) ||
          isCanonical(reference, wanted)
        );
      }),
    ),
  );
}
