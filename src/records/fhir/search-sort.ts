import type { Resource } from "@medplum/fhirtypes";
import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";
import { folded, stretchesOf, textsOf, tokensOf } from "#records/fhir/search-values.ts";

/** In which order the matches stand. */
export interface SearchSort {
  /** The parameter by which they are sorted. */
  readonly by: string;
  readonly descending: boolean;
  /**
   * A text by which resources sort in code unit order, before `descending` is applied; empty when
   * the resource has no such value. Equal keys need the id to tell them apart.
   */
  readonly keyOf: (value: Resource) => string;
}

// Newest first, as a reader of a record expects.
const byDefault = "-_lastUpdated";

// Dates reach back before 1970, and texts of digits compare only when of one length.
const epochShiftMs = 8.64e15;
const digits = 17;

function instantKey(ms: number): string {
  const within = Math.max(-epochShiftMs, Math.min(epochShiftMs, ms));
  return String(within + epochShiftMs).padStart(digits, "0");
}

function keysOf(rule: SearchParameterRule, values: readonly unknown[], last: boolean): string[] {
  switch (rule.kind) {
    case "date":
      return values.flatMap(stretchesOf).map(({ from, to }) => instantKey(last ? to : from));
    case "string":
      return values.flatMap(textsOf).map(folded);
    case "token":
      return values.flatMap(tokensOf).map(({ code }) => code);
    case "uri":
    case "reference":
      return values.flatMap((value) => (typeof value === "string" ? [value] : []));
    default:
      return unreachable(rule.kind);
  }
}

function keyReader(rule: SearchParameterRule, descending: boolean): SearchSort["keyOf"] {
  return (value) => {
    if (!isObject(value)) return "";
    // R4 §3.1.1.2.1: of several values, the one that comes first in the order asked for counts.
    const keys = keysOf(rule, rule.read(value), descending).sort();
    return (descending ? keys.at(-1) : keys[0]) ?? "";
  };
}

/** Reads `_sort`: one parameter, after `-` when descending. Fails with parameter-invalid. */
export function parseSort(type: ResourceType, text: string | null): Result<SearchSort> {
  const asked = text ?? byDefault;
  const descending = asked.startsWith("-");
  const by = descending ? asked.slice(1) : asked;
  if (by.includes(","))
    return refuse("parameter-invalid", { at: "_sort", detail: "takes one parameter" });
  const rule = searchParameters(type).get(by);
  if (rule === undefined || rule.kind === "reference")
    return refuse("parameter-invalid", {
      at: "_sort",
      detail: "names no date, string, token or uri parameter of this type",
    });
  return ok({ by, descending, keyOf: keyReader(rule, descending) });
}
