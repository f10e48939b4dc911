import { parseResourceType, type Pseudonym, type ResourceId, type TenantId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { failed, invariant, ok, type Result } from "#core/result.ts";
import { parseSealed } from "#records/access-requests/parse.ts";
import type { RegisterRow } from "#records/access-requests/register-row.ts";
import type { AccessRequest } from "#records/access-requests/request.ts";
import type { RecordPlace, Vault } from "#vault/vault.ts";

export interface SealingDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keys" | "keyAt" | "open" | "sealLoose">;
}

/** No FHIR type, so that no request opens as a resource nor a resource as a request. */
const requestType = parseResourceType("AccessRequestOfRecord");

function placeOf(
  { id, version, compartment }: Pick<RegisterRow, "id" | "version" | "compartment">,
  tenant: TenantId,
  dekVersion: number,
): RecordPlace {
  invariant(requestType !== null, "a request has a type");
  return { tenant, compartment, type: requestType, id, version, dekVersion };
}

/** The next version of a request as a row. Fails as fetching the patient's key does. */
export async function sealRequest(
  request: AccessRequest,
  place: { readonly id: ResourceId; readonly version: number; readonly compartment: Pseudonym },
  { tenant, vault }: SealingDeps,
): Promise<Result<RegisterRow>> {
  const keys = await vault.keys([place.compartment]);
  if (!keys.ok) return keys;
  const key = keys.value.get(place.compartment);
  if (key === undefined) return failed(problem("record-shredded"));
  const plain = Buffer.from(JSON.stringify(request), "utf8");
  const sealed = await vault.sealLoose(key, placeOf(place, tenant, key.dekVersion), plain);
  if (!sealed.ok) return sealed;
  const { askedOn, dueOn, now } = request;
  const isOpen = now.state === "open";
  const { dekVersion } = key;
  return ok({ ...place, askedOn, dueOn, isOpen, dekVersion, sealed: sealed.value });
}

/** Fails as "record-shredded" when the patient's keys were destroyed, or as "record-damaged". */
export async function openRequest(
  row: RegisterRow,
  { tenant, vault }: SealingDeps,
): Promise<Result<AccessRequest>> {
  const key = await vault.keyAt(row.compartment, row.dekVersion);
  if (!key.ok) return key;
  const plain = vault.open(key.value, placeOf(row, tenant, row.dekVersion), row.sealed);
  return plain === null
    ? failed(problem("record-damaged"))
    : ok(parseSealed(plain.toString("utf8")));
}
