import type { Pseudonym, ResourceId } from "#core/ids.ts";
import { ok, type Result } from "#core/result.ts";
import type { Owner } from "#records/fhir/compartment.ts";
import type { UpstreamCare } from "#records/upstream/care.ts";
import type { Visit } from "#records/visit.ts";
import type { Compartment } from "#vault/vault.ts";

/** Whose record it is, and how the caller stands to her. */
export interface UpstreamPlace {
  readonly compartment: Compartment;
  readonly inCareTeam: boolean;
}

export interface PlaceDeps {
  readonly care: UpstreamCare;
  readonly pseudonymOf: (patient: ResourceId) => Pseudonym;
}

export function compartmentOfOwner(
  owner: Owner,
  { pseudonymOf }: Pick<PlaceDeps, "pseudonymOf">,
): Compartment {
  return owner.kind === "organisation" ? "organisation" : pseudonymOf(owner.patient);
}

/** Makes ready what is decided next on an owner's record; fails as UpstreamCare.prepare does. */
export async function preparePlace(
  owner: Owner,
  { asker }: Pick<Visit, "asker">,
  deps: PlaceDeps,
): Promise<Result<UpstreamPlace>> {
  const compartment = compartmentOfOwner(owner, deps);
  if (owner.kind === "organisation") return ok({ compartment, inCareTeam: false });
  const ready = await deps.care.prepare(owner.patient, asker);
  return ready.ok ? ok({ compartment, inCareTeam: ready.value.inCareTeam }) : ready;
}
