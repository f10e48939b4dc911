import { evalFhirPathTyped, parseFhirPath, type FhirPathAtom } from "@medplum/core";
import { isObject } from "#records/fhir/json-value.ts";
import type { Subject } from "#records/fhir/rule.ts";
import { rules } from "#records/fhir/rules.ts";
import type { Constraint } from "#records/fhir/schema.ts";

// dom-3 (a contained resource must be referred to) walks the whole resource for a matter of style.
// txt-1 and txt-2 are checked with the XHTML itself.
const skipped = new Set(["dom-3", "txt-1", "txt-2"]);

const ucum = { type: "string", value: "http://unitsofmeasure.org" };

// Rules are constants of the standard: what was parsed once holds for the process.
const parsed = new Map<string, FhirPathAtom>();

function atomOf(expression: string): FhirPathAtom {
  const known = parsed.get(expression);
  if (known !== undefined) return known;
  const atom = parseFhirPath(expression);
  parsed.set(expression, atom);
  return atom;
}

/** Whether FHIRPath says plainly that the rule is broken; an expression that says nothing does not. */
export function isFalse(subject: Subject, expression: string): boolean {
  const { value, type, resource, container } = subject;
  const context = { type, value };
  try {
    const results = evalFhirPathTyped(atomOf(expression), [context], {
      "%context": context,
      "%resource": { type: String(resource.resourceType), value: resource },
      "%rootResource": { type: String(container.resourceType), value: container },
      "%ucum": ucum,
    });
    return results.length === 1 && results[0]?.value === false;
  } catch {
    return false;
  }
}

/** How many of the rules are left to FHIRPath, whose cost grows with what the value holds. */
export function countEvaluated(constraints: readonly Constraint[]): number {
  let count = 0;
  for (const { key } of constraints) if (isEvaluated(key)) count += 1;
  return count;
}

function isEvaluated(key: string): boolean {
  return !skipped.has(key) && rules[key] === undefined;
}

function isBroken(subject: Subject, { key, expression }: Constraint): boolean {
  const rule = rules[key];
  if (rule !== undefined) return isObject(subject.value) && !rule(subject.value, subject);
  return isEvaluated(key) && isFalse(subject, expression);
}

/** Keys of the rules that the value breaks. */
export function findBroken(
  subject: Subject,
  constraints: readonly Constraint[],
): readonly string[] {
  let broken: string[] | null = null;
  for (const constraint of constraints)
    if (isBroken(subject, constraint)) (broken ??= []).push(constraint.key);
  return broken ?? [];
}
