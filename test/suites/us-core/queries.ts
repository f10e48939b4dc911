import type { SearchParameter } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { judge, referenceOf, stringsOf, targetOf, tokensOf, valuesOf, type Json } from "./judge.ts";
import { listed, orExpectation, type Expectation, type SearchRequirement } from "./requirements.ts";

/** One search to be asked, filled with values of a resource that is stored. */
export interface Query {
  readonly type: string;
  readonly asked: readonly (readonly [parameter: SearchParameter, text: string])[];
  readonly expectation: Expectation;
}

/** The text of a query, as it stands behind the question mark. */
export function queryText({ asked }: Query): string {
  return asked.map(([{ code }, text]) => `${code}=${encodeURIComponent(text)}`).join("&");
}

/** The ids that a server must answer with, and no others. */
export function answerOf({ asked }: Query, resources: readonly Json[]): readonly string[] {
  return resources
    .filter((resource) => asked.every(([parameter, text]) => judge(parameter, text, resource)))
    .map((resource) => String(resource["id"]))
    .sort();
}

const dayMs = 86_400_000;
const isPlain = (value: string): boolean => value !== "" && !/[,|$\\]/.test(value);
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** How one parameter can ask for a resource: the plainest way first. */
interface Ways {
  readonly plain: string;
  readonly others: readonly { readonly text: string; readonly expectation: Expectation }[];
}

function tokenWays(parameter: SearchParameter, values: readonly unknown[]): Ways | null {
  const found = values.flatMap(tokensOf).find(({ code }) => isPlain(code));
  if (found === undefined) return null;
  const { system, code } = found;
  // US Core's parameters: "The server SHALL support both" of code and system|code.
  const both =
    system === null ? [] : [{ text: `${system}|${code}`, expectation: "SHALL" as const }];
  const either = { text: `no-such-code,${code}`, expectation: orExpectation(parameter) };
  return { plain: code, others: [...both, either] };
}

function referenceWays(parameter: SearchParameter, values: readonly unknown[]): Ways | null {
  const reference = values.map(referenceOf).find((each) => each !== null && isPlain(each));
  if (reference === undefined || reference === null) return null;
  if (!/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(reference))
    return { plain: reference, others: [] };
  const id = reference.slice(reference.indexOf("/") + 1);
  const isPatient = parameter.code === "patient";
  // "The server SHALL support both" of id and Type/id.
  return {
    plain: isPatient ? id : reference,
    others: [{ text: isPatient ? reference : id, expectation: "SHALL" }],
  };
}

function stringWays(values: readonly unknown[]): Ways | null {
  const found = values.flatMap(stringsOf).find((each) => each.length > 1 && isPlain(each));
  if (found === undefined) return null;
  return {
    plain: found,
    others: [{ text: found.slice(0, 3).toUpperCase(), expectation: "SHALL" }],
  };
}

function dateWays(parameter: SearchParameter, values: readonly unknown[]): Ways | null {
  const value = values.find((each) => targetOf(each) !== null);
  const target = targetOf(value);
  if (target === null) return null;
  const from = Number.isFinite(target.from) ? target.from : target.to;
  const to = Number.isFinite(target.to) ? target.to : target.from;
  const isDay = typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value);
  const range = (comparator: string): string =>
    comparator.startsWith("g") ? dayOf(from - dayMs) : dayOf(to + dayMs);
  const others = listed(parameter, "comparator")
    .filter(({ value: name }) => ["gt", "ge", "lt", "le"].includes(name))
    .map(({ value: name, expectation }) => ({ text: `${name}${range(name)}`, expectation }));
  const own = isDay ? [{ text: `ge${dayOf(to)}`, expectation: "SHALL" as const }] : [];
  return {
    plain: isDay ? dayOf(from) : `ge${dayOf(from - dayMs)}`,
    others: [...others, ...own],
  };
}

function waysOf(parameter: SearchParameter, resource: Json): Ways | null {
  const values = valuesOf(parameter, resource);
  switch (parameter.type) {
    case "token":
      return tokenWays(parameter, values);
    case "reference":
      return referenceWays(parameter, values);
    case "string":
      return stringWays(values);
    case "date":
      return dateWays(parameter, values);
    case "composite":
    case "number":
    case "quantity":
    case "special":
    case "uri":
      throw new Error(`no way to ask by ${parameter.type}`);
    default:
      return unreachable(parameter.type);
  }
}

const weaker = (a: Expectation, b: Expectation): Expectation =>
  a === "MAY" || b === "MAY" ? "MAY" : a === "SHOULD" || b === "SHOULD" ? "SHOULD" : "SHALL";

/**
 * Searches that a requirement asks for, each with an answer of one resource at least: the plain one,
 * then one for each other form, prefix or list that the parameter's definition asks for, the rest
 * plain. Null when no resource has a value for every parameter.
 */
export function queriesOf(
  { type, parameters, expectation }: SearchRequirement,
  resources: readonly Json[],
): readonly Query[] | null {
  for (const resource of resources) {
    const ways = parameters.map((parameter) => waysOf(parameter, resource));
    const plain = ways.flatMap((each) => each?.plain ?? []);
    if (plain.length < parameters.length) continue;
    const asking = (texts: readonly string[]): Query["asked"] =>
      parameters.map((parameter, at) => [parameter, texts[at] ?? ""] as const);
    const others = ways.flatMap((each, at) =>
      (each?.others ?? []).map((way) => ({
        type,
        asked: asking(plain.with(at, way.text)),
        expectation: weaker(expectation, way.expectation),
      })),
    );
    const wanted = others.filter((query) => query.expectation !== "MAY");
    return [{ type, asked: asking(plain), expectation }, ...wanted];
  }
  return null;
}
