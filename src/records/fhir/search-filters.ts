import { ok, unreachable, type Result } from "#core/result.ts";
import {
  filterAlone,
  invalid,
  unescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";
import { compositeFilter } from "#records/fhir/search-composite.ts";
import { dateFilter } from "#records/fhir/search-date.ts";
import { isLabelled, prefixLabel } from "#records/fhir/search-labels.ts";
import { nearFilter } from "#records/fhir/search-near.ts";
import { numberFilter, quantityFilter } from "#records/fhir/search-number.ts";
import { isPersonParameter, personFilter } from "#records/fhir/search-person.ts";
import { referenceFilter } from "#records/fhir/search-reference.ts";
import { tokenFilter } from "#records/fhir/search-token.ts";
import { uriFilter } from "#records/fhir/search-uri.ts";
import { folded, textsOf } from "#records/fhir/search-values.ts";

function stringFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier } = asked;
  const wanted = unescaped(asked.value);
  const start = folded(wanted);
  if (start === "") return invalid(asked, "is empty");
  const label = isLabelled(rule) ? prefixLabel(rule.code, wanted) : null;
  const labels = label === null ? null : [label];
  const by =
    (test: (text: string) => boolean): ValueFilter["matches"] =>
    (values) =>
      values.flatMap(textsOf).some(test);
  switch (modifier) {
    case null:
      return ok({ matches: by((text) => folded(text).startsWith(start)), labels, bounds: null });
    case "exact":
      return ok({ matches: by((text) => text === wanted), labels, bounds: null });
    case "contains":
      return ok(filterAlone(by((text) => folded(text).includes(start))));
    default:
      return unsupported(asked, ":exact, :contains and :missing");
  }
}

/** R4 §3.1.1.4.1: whether the resource has any value of the parameter at all. */
function missingFilter(asked: Asked): Result<ValueFilter> {
  const { value } = asked;
  if (value !== "true" && value !== "false") return invalid(asked, "is not true or false");
  const isMissing = value === "true";
  return ok(filterAlone((values) => (values.length === 0) === isMissing));
}

/** Reads one value of a parameter; fails with parameter-invalid or parameter-unknown, naming it. */
export function valueFilter(asked: Asked): Result<ValueFilter> {
  if (asked.modifier === "missing") return missingFilter(asked);
  if (isPersonParameter(asked)) return personFilter({ ...asked, value: unescaped(asked.value) });
  switch (asked.rule.kind) {
    case "token":
      return tokenFilter(asked);
    case "string":
      return stringFilter(asked);
    case "date":
      return dateFilter(asked);
    case "reference":
      return referenceFilter(asked);
    case "uri":
      return uriFilter(asked);
    case "number":
      return numberFilter(asked);
    case "quantity":
      return quantityFilter(asked);
    case "composite":
      return compositeFilter(asked, valueFilter);
    case "special":
      return nearFilter(asked);
    default:
      return unreachable(asked.rule.kind);
  }
}
