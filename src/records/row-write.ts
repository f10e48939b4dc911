import type { ResourceId } from "#core/ids.ts";
import { relationsOf } from "#records/care-team.ts";
import { blindLabels } from "#records/fhir/blind-labels.ts";
import { contentText, withMeta, type ParsedResource } from "#records/fhir/parse.ts";
import { searchLabels } from "#records/fhir/search.ts";
import { honeyMark } from "#records/honey.ts";
import type { ConsentWrite, RowWrite } from "#records/write-plan.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

/** Where a parsed resource goes. */
export interface Placing {
  readonly id: ResourceId;
  readonly compartment: Compartment;
  readonly patient: ResourceId | null;
  readonly key: DataKey;
  readonly ifVersion: number | null;
  readonly skipUnchanged: boolean;
  /** The organisation's keys with which a Patient is indexed; without them she is not. */
  readonly blindKeys?: readonly DataKey[];
  /** What a Consent forbids. */
  readonly consent?: ConsentWrite;
  /** Of a patient who never was: see honey.ts. */
  readonly isHoney?: boolean;
}

/** The row that stores a parsed resource at its place. */
export function putRow(
  parsed: ParsedResource,
  placing: Placing,
  vault: Pick<Vault, "contentMac">,
): RowWrite {
  const { skipUnchanged, blindKeys, consent, isHoney = false, ...place } = placing;
  const mark = isHoney ? honeyMark : "";
  const blind =
    parsed.type === "Patient" && blindKeys !== undefined
      ? { blind: { labels: blindLabels(parsed.value), keys: blindKeys } }
      : {};
  const links = parsed.value.resourceType === "Patient" ? { links: parsed.value.link } : {};
  const macUnder = (key: DataKey): Buffer =>
    vault.contentMac(key, Buffer.from(contentText(parsed, placing.id), "utf8"));
  return {
    ...place,
    type: parsed.type,
    content: {
      kind: "put",
      render: (versionId, lastUpdated) =>
        mark + withMeta(parsed, { id: placing.id, versionId, lastUpdated }),
      mac: macUnder(placing.key),
      macUnder,
      labels: searchLabels(parsed.value),
      relations: parsed.type === "CareTeam" ? relationsOf(parsed.value) : null,
      skipUnchanged,
      ...blind,
      ...links,
      ...(consent === undefined ? {} : { consent }),
    },
  };
}
