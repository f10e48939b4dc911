import { refuse } from "#core/problem.ts";
import type { ResourceId } from "#core/ids.ts";
import { ok, type Result } from "#core/result.ts";
import { compartmentOf, type CompartmentContext } from "#records/fhir/compartment.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import {
  outgoingReferences,
  parseReference,
  type LiteralReference,
} from "#records/fhir/references.ts";
import type { ParsedResource } from "#records/fhir/parse.ts";
import { parseProvenanceId } from "#records/provenance/provenance.ts";
import type { RecordStore } from "#records/store.ts";
import type { Visit } from "#records/visit.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

export const targetLimits = {
  /** Resources looked up to tell whose a Provenance is. */
  targets: 50,
} as const;

/** Whose record a resource belongs to. */
export interface Home {
  readonly compartment: Compartment;
  readonly patient: ResourceId | null;
}

/** The compartment of a resource that is to have this id. */
export function homeOf(
  { value }: ParsedResource,
  context: CompartmentContext & { readonly id: ResourceId },
  vault: Pick<Vault, "pseudonymOf">,
): Result<Home> {
  const { id } = context;
  const { resourceType: type } = value;
  if (type === "AuditEvent" || (type === "Provenance" && parseProvenanceId(id) !== null))
    return refuse("method-not-allowed", { detail: "The log alone makes this." });
  const found = compartmentOf(value, context);
  if (!found.ok) return found;
  if (found.value.kind === "organisation")
    return ok({ compartment: "organisation", patient: null });
  const { patient } = found.value;
  return ok({ compartment: vault.pseudonymOf(patient), patient });
}

interface HomeDeps {
  readonly store: Pick<RecordStore, "find">;
  readonly vault: Pick<Vault, "pseudonymOf">;
}

/** What a Provenance or Binary belongs with; null for other types, and where it is not told by Type/id. */
function targetsOf({ value }: ParsedResource): readonly LiteralReference[] | null {
  const stated =
    value.resourceType === "Provenance"
      ? listOf(value.target)
      : value.resourceType === "Binary"
        ? [value.securityContext]
        : [];
  const literals = stated.map((each) =>
    isObject(each) && typeof each.reference === "string" ? parseReference(each.reference) : null,
  );
  const known = literals.filter((each) => each !== null);
  return known.length === 0 || known.length < literals.length ? null : known;
}

const unclear = (type: string, detail: string): Result<never> =>
  refuse("compartment-unclear", { at: type, detail });

async function compartmentsOf(
  targets: readonly LiteralReference[],
  visit: Visit,
  { store, vault }: HomeDeps,
): Promise<Result<ReadonlySet<Compartment>>> {
  const compartments = new Set<Compartment>();
  for (const { type, id } of targets) {
    if ((type as string) === "Patient") {
      compartments.add(vault.pseudonymOf(id));
      continue;
    }
    const found = await store.find(type, id, visit.asker);
    if (!found.ok) return found;
    const [row] = found.value.rows;
    if (row === undefined)
      return refuse("reference-missing", { detail: `There is no ${type}/${id}.` });
    compartments.add(row.compartment);
  }
  return ok(compartments);
}

/**
 * Whose record a resource belongs to: as homeOf tells, and for a Provenance or a Binary as what it
 * points to does where it is stored. Fails as homeOf, as "reference-missing" when it points to
 * nothing, or as the database does.
 */
export async function findHome(
  parsed: ParsedResource,
  { id, visit }: { readonly id: ResourceId; readonly visit: Visit },
  deps: HomeDeps,
): Promise<Result<Home>> {
  const told = homeOf(parsed, { id }, deps.vault);
  const targets = targetsOf(parsed);
  if (told.ok || targets === null || told.problem.code !== "compartment-unclear") return told;
  if (targets.length > targetLimits.targets)
    return unclear(parsed.type, "points to more than can be looked up; name the patient first");
  const compartments = await compartmentsOf(targets, visit, deps);
  if (!compartments.ok) return compartments;
  const [compartment, more] = compartments.value;
  if (compartment === undefined || more !== undefined)
    return unclear(parsed.type, "points to more than one record");
  const others = outgoingReferences(parsed.value).some(
    (reference) =>
      (reference.type as string) === "Patient" &&
      deps.vault.pseudonymOf(reference.id) !== compartment,
  );
  if (others) return unclear(parsed.type, "mentions another patient");
  // That it was found where it is says that its patient is there.
  return ok({ compartment, patient: null });
}
