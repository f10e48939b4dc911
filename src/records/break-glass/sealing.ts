import { parseResourceType, type Pseudonym, type ResourceId, type TenantId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { EmergencyOpening } from "#records/break-glass/opening.ts";
import type { OpeningRow } from "#records/break-glass/opening-row.ts";
import { parseSealed } from "#records/break-glass/parse.ts";
import type { RecordPlace, Vault } from "#vault/vault.ts";

export interface SealingDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keys" | "keyAt" | "open" | "sealLoose">;
}

type Place = Pick<OpeningRow, "id" | "version" | "compartment">;

/** No FHIR type, so that nothing else opens as one of these, nor one as anything else. */
const openingType = parseResourceType("EmergencyOpeningOfChart");

function placeOf({ id, version, compartment }: Place, tenant: TenantId, dekVersion: number) {
  invariant(openingType !== null, "an opening has a type");
  const place: RecordPlace = { tenant, compartment, type: openingType, id, version, dekVersion };
  return place;
}

/** The next version of an opening as a row. Fails as fetching the patient's key does. */
export async function sealOpening(
  opening: EmergencyOpening,
  place: { readonly id: ResourceId; readonly version: number; readonly compartment: Pseudonym },
  { tenant, vault }: SealingDeps,
): Promise<Result<OpeningRow>> {
  const keys = await vault.keys([place.compartment]);
  if (!keys.ok) return keys;
  const key = keys.value.get(place.compartment);
  if (key === undefined) return refuse("record-shredded");
  const plain = Buffer.from(JSON.stringify(opening), "utf8");
  const sealed = await vault.sealLoose(key, placeOf(place, tenant, key.dekVersion), plain);
  if (!sealed.ok) return sealed;
  const { account, openedAt, endsAt, review } = opening;
  const isReviewed = review !== null;
  const { dekVersion } = key;
  return ok({ ...place, account, openedAt, endsAt, isReviewed, dekVersion, sealed: sealed.value });
}

/** Fails as "record-shredded" when the patient's keys were destroyed, or as "record-damaged". */
export async function openOpening(
  row: OpeningRow,
  { tenant, vault }: SealingDeps,
): Promise<Result<EmergencyOpening>> {
  const key = await vault.keyAt(row.compartment, row.dekVersion);
  if (!key.ok) return key;
  const plain = vault.open(key.value, placeOf(row, tenant, row.dekVersion), row.sealed);
  return plain === null ? refuse("record-damaged") : ok(parseSealed(plain.toString("utf8")));
}
