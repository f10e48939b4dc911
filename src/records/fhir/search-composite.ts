import { ok, type Result } from "#core/result.ts";
import { listOf } from "#records/fhir/json-value.ts";
import {
  invalid,
  splitUnescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";

/**
 * R4 §3.1.1.4.15 `first$second`: all of its parts of one and the same element. `ofPart` reads one of
 * them as the value of the parameter it stands for.
 */
export function compositeFilter(
  asked: Asked,
  ofPart: (asked: Asked) => Result<ValueFilter>,
): Result<ValueFilter> {
  const { rule, modifier } = asked;
  if (modifier !== null) return unsupported(asked, ":missing");
  const parts = splitUnescaped(asked.value, "$");
  if (parts.length !== rule.components.length)
    return invalid(asked, `is not ${rule.components.length} values set apart by $`);
  const filters: ValueFilter[] = [];
  for (const [i, component] of rule.components.entries()) {
    const filter = ofPart({ ...asked, rule: component, value: parts[i] ?? "" });
    if (!filter.ok) return { ...filter, problem: { ...filter.problem, at: rule.code } };
    filters.push(filter.value);
  }
  return ok({
    matches: (values) =>
      values.some((tuple) => {
        const ofParts = listOf(tuple);
        return filters.every((filter, i) => filter.matches(listOf(ofParts[i])));
      }),
    // Every part must hold, so that the labels of any one of them will do.
    labels: filters.find(({ labels }) => labels !== null)?.labels ?? null,
    bounds: null,
  });
}
