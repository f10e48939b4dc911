import type { Resource } from "@medplum/fhirtypes";
import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { boundsOf } from "#records/fhir/dates.ts";
import { isObject } from "#records/fhir/json-value.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import {
  searchParameters,
  type SearchKind,
  type SearchParameterRule,
} from "#records/fhir/search-parameters.ts";
import { amountsOf, folded, stretchesOf, textsOf, tokensOf } from "#records/fhir/search-values.ts";

/** In which order the matches stand. */
export interface SearchSort {
  /** The parameters by which they are sorted, each where those before it are equal. */
  readonly by: readonly SortedBy[];
  /** What `compare` goes by; empty parts where the resource has no such value. */
  readonly keyOf: (value: Resource) => string;
  /**
   * Below 0 when the resource of key `a` stands before that of `b`, 0 when only something else, such
   * as the id, can tell them apart.
   */
  readonly compare: (a: string, b: string) => number;
}

export interface SortedBy {
  readonly code: string;
  readonly descending: boolean;
}

/** More parameters than this order nothing that a reader could follow. */
const maxSortParameters = 8;

// Newest first, as a reader of a record expects.
const byDefault = "-_lastUpdated";

// Dates reach back before 1970, and texts of digits compare only when of one length.
const epochShiftMs = 8.64e15;
const digits = 17;

function instantKey(ms: number): string {
  const within = Math.max(-epochShiftMs, Math.min(epochShiftMs, ms));
  return String(within + epochShiftMs).padStart(digits, "0");
}

/** The bits of a double sort as the numbers do, once those below zero are turned about. */
function numberKey(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  // Zero has two signs and one place.
  view.setFloat64(0, value + 0);
  const bits = view.getBigUint64(0);
  const ordered = value < 0 ? ~bits : bits | (1n << 63n);
  return BigInt.asUintN(64, ordered).toString(16).padStart(16, "0");
}

function keysOf(rule: SearchParameterRule, values: readonly unknown[], last: boolean): string[] {
  switch (rule.kind) {
    case "date":
      return values.flatMap(stretchesOf).map(({ from, to }) => instantKey(last ? to : from));
    case "string":
      return values.flatMap(textsOf).map(folded);
    case "token":
      return values.flatMap(tokensOf).map(({ code }) => code);
    case "number":
    case "quantity":
      return values.flatMap(amountsOf).map(({ range }) => numberKey(last ? range.to : range.from));
    case "uri":
      return values.flatMap((value) => (typeof value === "string" ? [value] : []));
    case "reference":
    case "composite":
    case "special":
      return [];
    default:
      return unreachable(rule.kind);
  }
}

interface SortKey extends SortedBy {
  readonly read: (value: Resource) => string;
}

const isoCharacters = 24;

/**
 * The server writes lastUpdated in one form, whose texts sort as the instants do: by default every
 * search sorts by it, and to read it as a date would cost more than all else in sorting.
 */
function lastUpdatedKey(value: Resource): string {
  const text = value.meta?.lastUpdated ?? "";
  if (text.length === isoCharacters && text.endsWith("Z")) return text;
  const bounds = boundsOf(text);
  return bounds === null ? "" : new Date(bounds.from).toISOString();
}

function sortKey(rule: SearchParameterRule, descending: boolean): SortKey {
  const { code } = rule;
  if (code === "_lastUpdated") return { code, descending, read: lastUpdatedKey };
  const read: SortKey["read"] = (value) => {
    if (!isObject(value)) return "";
    // R4 §3.1.1.2.1: of several values, the one that comes first in the order asked for counts.
    const keys = keysOf(rule, rule.read(value), descending).sort();
    return (descending ? keys.at(-1) : keys[0]) ?? "";
  };
  return { code, descending, read };
}

function compareParts(a: string, b: string, descending: boolean): number {
  if (a === b) return 0;
  return a < b === descending ? 1 : -1;
}

// FHIR's texts hold no null character, so it parts keys without being taken for a part of one.
const separator = "\0";

function sortOf(keys: readonly SortKey[]): SearchSort {
  const by = keys.map(({ code, descending }) => ({ code, descending }));
  const [only, more] = keys;
  if (only !== undefined && more === undefined)
    return { by, keyOf: only.read, compare: (a, b) => compareParts(a, b, only.descending) };
  return {
    by,
    keyOf: (value) => keys.map(({ read }) => read(value)).join(separator),
    compare: (a, b) => {
      const [ofA, ofB] = [a.split(separator), b.split(separator)];
      for (const [i, { descending }] of keys.entries()) {
        const found = compareParts(ofA[i] ?? "", ofB[i] ?? "", descending);
        if (found !== 0) return found;
      }
      return 0;
    },
  };
}

const unsorted: ReadonlySet<SearchKind> = new Set(["reference", "composite", "special"]);

const invalid = (detail: string): Result<never> =>
  refuse("parameter-invalid", { at: "_sort", detail });

/** Reads `_sort`: parameters, each after `-` when descending. Fails with parameter-invalid. */
export function parseSort(
  type: ResourceType,
  text: string | null,
  conformance?: Conformance,
): Result<SearchSort> {
  const asked = (text ?? byDefault).split(",");
  if (asked.length > maxSortParameters) return invalid("names too many parameters");
  const keys: SortKey[] = [];
  for (const each of asked) {
    const descending = each.startsWith("-");
    const rule = searchParameters(type, conformance).get(descending ? each.slice(1) : each);
    if (rule === undefined || unsorted.has(rule.kind))
      return invalid("names no parameter of this type that has an order");
    keys.push(sortKey(rule, descending));
  }
  return ok(sortOf(keys));
}
