import type { Resource } from "@medplum/fhirtypes";
import {
  parsePseudonym,
  parseResourceId,
  parseResourceType,
  type Pseudonym,
  type ResourceId,
  type TenantId,
} from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { RuleRow } from "#records/consent/consent-store.ts";
import { forbidAll, type Provision } from "#records/consent/provision.ts";
import { readConsent } from "#records/consent/read-consent.ts";
import type { ConsentWrite } from "#records/write-plan.ts";
import type { RecordPlace, Vault } from "#vault/vault.ts";

export interface RuleDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keys" | "keyAt" | "sealLoose" | "open" | "pseudonymOf">;
}

/** Rules that another program made may mean something else here: they are taken to forbid all. */
const ruleFormat = 1;

function placeOf(tenant: TenantId, source: ResourceId, dekVersion: number): RecordPlace {
  // No FHIR type is named so, hence no rule can pose as a record nor a record as a rule.
  const type = parseResourceType("ConsentRule");
  invariant(type !== null, "a constant type is one");
  return { tenant, compartment: "organisation", type, id: source, version: 1, dekVersion };
}

/**
 * What is to be stored of what a Consent forbids: sealed under the organisation's key. Fails as
 * fetching the key does.
 */
export async function sealRule(
  consent: Resource,
  { id, patient }: { readonly id: ResourceId; readonly patient: Pseudonym },
  { tenant, vault }: RuleDeps,
): Promise<Result<ConsentWrite>> {
  const provision = readConsent(consent);
  if (provision === null) return ok({ kind: "silent" });
  const keys = await vault.keys(["organisation"]);
  if (!keys.ok) return keys;
  const key = keys.value.get("organisation");
  if (key === undefined) return refuse("key-unavailable");
  const plain = Buffer.from(JSON.stringify({ format: ruleFormat, patient, provision }), "utf8");
  const sealed = await vault.sealLoose(key, placeOf(tenant, id, key.dekVersion), plain);
  if (!sealed.ok) return sealed;
  return ok({ kind: "forbids", dekVersion: key.dekVersion, sealed: sealed.value });
}

/** What we sealed, we made; the seal shows that it is what we sealed. */
function readSealed(text: string, patient: Pseudonym): Provision {
  const value: unknown = JSON.parse(text);
  const isOurs = isRecord(value) && value["format"] === ruleFormat && value["patient"] === patient;
  return isOurs ? (value["provision"] as Provision) : forbidAll;
}

export interface StoredRule {
  readonly source: string;
  readonly patient: Pseudonym;
  /** Null when it forbids nothing any more. */
  readonly provision: Provision | null;
}

/**
 * Opens a stored rule. One that does not open, or that nobody has read, forbids all. Fails as
 * fetching the key does.
 */
export async function openRule(
  row: RuleRow,
  { tenant, vault }: RuleDeps,
): Promise<Result<StoredRule>> {
  const patient = parsePseudonym(row.patient);
  const id = parseResourceId(row.source);
  invariant(patient !== null && id !== null, "a stored rule is of a patient and a Consent");
  const { source, silent, sealed, dek_version: dekVersion } = row;
  const stored = (provision: Provision | null): Result<StoredRule> =>
    ok({ source, patient, provision });
  if (silent) return stored(null);
  if (sealed === null || dekVersion === null) return stored(forbidAll);
  const key = await vault.keyAt("organisation", dekVersion);
  if (!key.ok) return key;
  const plain = vault.open(key.value, placeOf(tenant, id, dekVersion), sealed);
  return stored(plain === null ? forbidAll : readSealed(plain.toString("utf8"), patient));
}
