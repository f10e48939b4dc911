import {
  AndAtom,
  AsAtom,
  DotAtom,
  EqualsAtom,
  EquivalentAtom,
  evalFhirPathTyped,
  FhirPathAtom,
  FunctionAtom,
  IndexerAtom,
  LiteralAtom,
  NotEqualsAtom,
  OrAtom,
  parseFhirPath,
  SymbolAtom,
} from "@medplum/core";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { plainOf } from "#records/fhir/patch/exact-json.ts";
import { patchLimits } from "#records/fhir/patch/patch.ts";
import { childrenOf, type Found } from "#records/fhir/patch/places.ts";

type Atom = FhirPathAtom["child"];

/** A path that leads to elements by their places, as R4 §3.1.0.7.2 asks of a FHIRPath Patch. */
export type Path = Atom;

/** Counts what a patch visits, and stops it when it is too much. */
export interface Budget {
  visits: number;
}

class PathStop extends Error {
  readonly code: "patch-refused" | "too-costly";
  constructor(code: PathStop["code"], detail: string) {
    super(detail);
    this.code = code;
  }
}

const unfit = (): PathStop =>
  new PathStop(
    "patch-refused",
    "takes names, indexes, first(), last(), where(), ofType() and extension()",
  );

/** Fails as "patch-refused" when it is no FHIRPath. */
export function parsePath(text: string, where: string): Result<Path> {
  if (text.length > patchLimits.pathCharacters)
    return refuse("patch-refused", { at: where, detail: "is too long" });
  try {
    return ok(parseFhirPath(text).child);
  } catch {
    return refuse("patch-refused", { at: where, detail: "is no FHIRPath" });
  }
}

// A criterion is evaluated by the library for each element: no function that could take long.
const criterionFunctions = new Set(["exists", "empty", "not", "first", "last", "where", "ofType"]);

function isCriterion(atom: Atom): boolean {
  if (atom instanceof SymbolAtom || atom instanceof LiteralAtom) return true;
  if (atom instanceof FunctionAtom)
    return criterionFunctions.has(atom.name) && atom.args.every(isCriterion);
  if (atom instanceof IndexerAtom) return isCriterion(atom.left) && isCriterion(atom.expr);
  return (
    (atom instanceof DotAtom ||
      atom instanceof EqualsAtom ||
      atom instanceof NotEqualsAtom ||
      atom instanceof EquivalentAtom ||
      atom instanceof AndAtom ||
      atom instanceof OrAtom) &&
    isCriterion(atom.left) &&
    isCriterion(atom.right)
  );
}

function holds(criterion: Atom, { value, type }: Found): boolean {
  const plain = plainOf(value);
  const results = evalFhirPathTyped(new FhirPathAtom("", criterion), [{ type, value: plain }]);
  return results.length === 1 && results[0]?.value === true;
}

function literalOf(atom: Atom | undefined): unknown {
  return atom instanceof LiteralAtom ? atom.value.value : undefined;
}

function ofType(from: readonly Found[], atom: Atom | undefined): readonly Found[] {
  if (!(atom instanceof SymbolAtom)) throw unfit();
  return from.filter(({ type }) => type === atom.name);
}

function called(
  from: readonly Found[],
  { name, args }: FunctionAtom,
  budget: Budget,
): readonly Found[] {
  const [argument] = args;
  switch (name) {
    case "first":
      return from.slice(0, 1);
    case "last":
      return from.slice(-1);
    case "ofType":
      return ofType(from, argument);
    case "where":
      if (argument === undefined || !isCriterion(argument)) throw unfit();
      return from.filter((each) => spend(budget, 1) && holds(argument, each));
    case "extension": {
      const url = literalOf(argument);
      if (typeof url !== "string") throw unfit();
      return from
        .flatMap((each) => childrenOf(each, "extension"))
        .filter(
          ({ value }) =>
            typeof value === "object" && value !== null && "url" in value && value.url === url,
        );
    }
    default:
      throw unfit();
  }
}

function spend(budget: Budget, visits: number): true {
  budget.visits += visits;
  if (budget.visits > patchLimits.visits)
    throw new PathStop("too-costly", "The patch would do too much.");
  return true;
}

function named(from: readonly Found[], name: string, budget: Budget): readonly Found[] {
  return from.flatMap((each) => {
    // A path may begin with the type it starts from.
    if (each.place === null && name === each.type) return [each];
    const children = childrenOf(each, name);
    spend(budget, children.length + 1);
    return children;
  });
}

function walk(atom: Atom, from: readonly Found[], budget: Budget): readonly Found[] {
  if (atom instanceof SymbolAtom)
    return atom.name === "$this" || atom.name === "%resource"
      ? from
      : named(from, atom.name, budget);
  if (atom instanceof DotAtom) return walk(atom.right, walk(atom.left, from, budget), budget);
  if (atom instanceof AsAtom) return ofType(walk(atom.left, from, budget), atom.right);
  if (atom instanceof FunctionAtom) return called(from, atom, budget);
  if (atom instanceof IndexerAtom) {
    const index = literalOf(atom.expr);
    if (typeof index !== "number") throw unfit();
    return walk(atom.left, from, budget).slice(index, index + 1);
  }
  throw unfit();
}

/** The elements that a path leads to. Fails as "patch-refused" for a path of other kinds of steps, and "too-costly". */
export function follow(
  path: Path,
  root: Found,
  { budget, where }: { readonly budget: Budget; readonly where: string },
): Result<readonly Found[]> {
  try {
    return ok(walk(path, [root], budget));
  } catch (error) {
    if (error instanceof PathStop) return refuse(error.code, { at: where, detail: error.message });
    return refuse("patch-refused", { at: where, detail: "cannot be evaluated" });
  }
}

/** Splits a path that ends with a name into the way to the holder and that name; null for any other. */
export function lastName(
  path: Path,
): { readonly holder: Path | null; readonly name: string } | null {
  if (path instanceof SymbolAtom) return { holder: null, name: path.name };
  return path instanceof DotAtom && path.right instanceof SymbolAtom
    ? { holder: path.left, name: path.right.name }
    : null;
}
