import type { Resource } from "@medplum/fhirtypes";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { patientCompartment } from "#records/fhir/definitions.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { compilePath, type Reader } from "#records/fhir/paths.ts";
import {
  outgoingReferences,
  parseReference,
  type LiteralReference,
} from "#records/fhir/references.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";

/** Whose record a resource belongs to. */
export type Owner =
  | { readonly kind: "patient"; readonly patient: ResourceId }
  | { readonly kind: "organisation" };

const organisation: Owner = { kind: "organisation" };

// Types that speak of groups, people at large, logs or workplaces, and may so name no patient.
// Any other type of the compartment without a patient is somebody's whom we cannot tell.
const mayBeWithoutPatient = new Set(["AuditEvent", "Group", "List", "Person", "Schedule", "Task"]);

// Carriers of whatever they hold: no rule of R4 tells whose they are.
const neverPlaced: ReadonlySet<string> = new Set(["Bundle", "Parameters"]);

/** Whether resources of a type can be stored at all. */
export function isStorable(type: string): boolean {
  return !neverPlaced.has(type);
}

/** Whether resources of a type belong to patients; some of them, like a Group, may yet be nobody's. */
export function isOfPatients(type: string): boolean {
  const { inCompartment, all } = ownerPaths(type);
  return type === "Patient" || inCompartment || all.length > 0;
}

// Their patient is that of what they point to.
const throughTarget: Readonly<Record<string, string>> = {
  Provenance: "Provenance.target",
  Binary: "Binary.securityContext",
};

interface OwnerPaths {
  /** The record's subject: who it is about. */
  readonly about: readonly Reader[];
  /** All that make it part of a patient's record, as R4's CompartmentDefinition lists them. */
  readonly all: readonly Reader[];
  readonly inCompartment: boolean;
}

const aboutCodes = new Set(["patient", "subject", "beneficiary", "individual"]);

let definedOnce: ReadonlyMap<string, readonly string[]> | null = null;

function definedParameters(type: string): readonly string[] {
  definedOnce ??= new Map(
    (patientCompartment().resource ?? []).map(({ code, param = [] }) => [code, param]),
  );
  return definedOnce.get(type) ?? [];
}

const pathsOnce = new Map<string, OwnerPaths>();

function ownerPaths(type: string): OwnerPaths {
  const known = pathsOnce.get(type);
  if (known !== undefined) return known;
  const defined = definedParameters(type);
  const parameters = searchParameters(type);
  const readers = (codes: Iterable<string>): readonly Reader[] =>
    [...codes].flatMap((code) => parameters.get(code)?.read ?? []);
  const through = throughTarget[type];
  const made: OwnerPaths = {
    about: through === undefined ? readers(aboutCodes) : [compilePath(through, type)],
    all: readers(new Set([...defined, "patient", "subject"])),
    inCompartment: defined.length > 0 || through !== undefined,
  };
  pathsOnce.set(type, made);
  return made;
}

function readAll(readers: readonly Reader[], value: JsonObject): readonly unknown[] {
  return readers.length === 1
    ? (readers[0]?.(value) ?? [])
    : readers.flatMap((read) => read(value));
}

function literalOf(reference: unknown): LiteralReference | null {
  const text = isObject(reference) ? reference.reference : undefined;
  return typeof text === "string" ? parseReference(text) : null;
}

/** Tells the owner of a resource that is stored, or written before; null when it is not known. */
export type OwnerOf = (reference: LiteralReference) => Owner | null;

export interface CompartmentContext {
  /** The id that a Patient about to be created will have. */
  readonly id?: ResourceId;
  /** For Provenance and Binary, which belong where their target does. */
  readonly ownerOf?: OwnerOf;
}

/**
 * Whose record a resource belongs to, by the R4 Patient CompartmentDefinition; a type outside it
 * that names a patient in `patient` or `subject` is that patient's too. Fails with
 * compartment-unclear when it names two patients, none though its type needs one, or one who
 * cannot be told from the reference; and for anything of the organisation's that mentions a patient.
 */
export function compartmentOf(value: Resource, context: CompartmentContext = {}): Result<Owner> {
  const type = value.resourceType;
  if (!isStorable(type)) return unclear(type, "is a carrier and cannot be stored itself");
  if (type === "Patient") return ownRecord(value, context);
  if (!isObject(value)) return unclear(type, "is no object");
  const paths = ownerPaths(type);
  const about = readAll(paths.about, value);
  const asked = type in throughTarget ? context.ownerOf : undefined;
  const owners = ownersIn([...about, ...readAll(paths.all, value)], asked);
  const [first, second] = owners;
  if (second !== undefined) return unclear(type, "names more than one patient");
  if (first !== undefined) return ok({ kind: "patient", patient: first });
  return withoutPatient(value, about, paths, asked);
}

function unclear(at: string, detail: string): Result<never> {
  return refuse("compartment-unclear", { at, detail });
}

function ownRecord(value: Resource, { id }: CompartmentContext): Result<Owner> {
  const own = id ?? (value.id === undefined ? null : parseResourceId(value.id));
  return own === null
    ? unclear("Patient.id", "is not known yet")
    : ok({ kind: "patient", patient: own });
}

function ownersIn(
  references: readonly unknown[],
  ownerOf: OwnerOf | undefined,
): readonly ResourceId[] {
  const patients = new Set<ResourceId>();
  for (const reference of references) {
    const literal = literalOf(reference);
    if (literal === null) continue;
    if (literal.type === "Patient") patients.add(literal.id);
    else if (ownerOf !== undefined) {
      const owner = ownerOf(literal);
      if (owner?.kind === "patient") patients.add(owner.patient);
    }
  }
  return [...patients];
}

function withoutPatient(
  value: Resource & JsonObject,
  about: readonly unknown[],
  paths: OwnerPaths,
  ownerOf: OwnerOf | undefined,
): Result<Owner> {
  const type = value.resourceType;
  if (about.some((reference) => literalOf(reference) === null))
    return unclear(type, "refers to its subject otherwise than as Type/id");
  if (outgoingReferences(value).some((reference) => reference.type === "Patient"))
    return unclear(type, "mentions a patient, but not as its subject");
  if (type in throughTarget) return throughOthers(type, about, ownerOf);
  // A subject that is a group, a place or a device is no patient's.
  if (!paths.inCompartment || about.length > 0 || mayBeWithoutPatient.has(type))
    return ok(organisation);
  return unclear(type, "names no patient");
}

function throughOthers(
  type: string,
  about: readonly unknown[],
  ownerOf: OwnerOf | undefined,
): Result<Owner> {
  const known = about.map((reference) => {
    const literal = literalOf(reference);
    return literal === null ? null : (ownerOf?.(literal) ?? ownerByType(literal.type));
  });
  return known.length > 0 && known.every((owner) => owner?.kind === "organisation")
    ? ok(organisation)
    : unclear(type, "points to something whose owner is not known");
}

/** Types outside every patient's record are the organisation's without looking. */
function ownerByType(type: string): Owner | null {
  return isOfPatients(type) ? null : organisation;
}
