import type { Clock } from "#core/clock.ts";
import type { Pseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { findByAsker, findByToken, type Candidate } from "#records/blind/find-store.ts";
import { readSetting, type BlindSetting } from "#records/blind/setting-store.ts";
import { blindRules } from "#records/fhir/blind-labels.ts";
import { storeLimits } from "#records/store.ts";
import type { CareAsker } from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import {
  blindToken,
  numberOf,
  type BlindIndexName,
  type BlindLabel,
  type BlindVersion,
} from "#vault/blind-index.ts";
import type { DataKey, Vault } from "#vault/vault.ts";

export const blindLimits = {
  /** Patients that a search across all of them may have to look at. */
  candidates: 1_000,
  /** How long a process goes by the setting that it has read. */
  settingMs: 5_000,
} as const;

/** Who looks for whom. */
export interface BlindAsked {
  /** AND of ORs, the narrowest first. */
  readonly groups: readonly (readonly BlindLabel[])[];
  readonly asker: CareAsker;
  /** Patients whom the asker is or acts for. */
  readonly own: readonly Pseudonym[];
  /** Whether the asker may look at patients who are neither her own nor in her care. */
  readonly beyondCare: boolean;
}

/** Looks Patients up by keyed tokens, and gives writers the keys to make them with. */
export interface BlindIndex {
  /**
   * Patients who may answer: too many rather than too few. Null when there is no index to go by
   * yet. Fails as "parameter-invalid" when the search finds more than blindLimits.candidates
   * beyond the asker's care, and as fetching a key or reading the database does.
   */
  find(asked: BlindAsked): Promise<Result<readonly Candidate[] | null>>;
  /** The organisation's keys of every version that a Patient written now may have to be indexed in. */
  writeKeys(): Promise<Result<readonly DataKey[]>>;
}

export interface BlindIndexDeps {
  readonly db: Queryable;
  readonly vault: Pick<Vault, "keys" | "keyAt">;
  readonly clock: Clock;
}

/** Indexes in which a label has few owners, however many patients there are. */
const narrow: ReadonlySet<BlindIndexName> = new Set([
  "identifier",
  "identifier-value",
  "birth-date",
  "phone",
  "address",
]);

/** A version can be replaced between reading the setting and looking up, but not time and again. */
const tries = 3;

function isNarrow([first = []]: BlindAsked["groups"]): boolean {
  return first.length > 0 && first.every(({ index }) => narrow.has(index));
}

const tooMany = (): Result<never> =>
  refuse("parameter-invalid", { detail: "The search finds too much; narrow it." });

async function lookUp(
  db: Queryable,
  generation: BlindVersion,
  key: DataKey,
  { groups, asker, own, beyondCare }: BlindAsked,
): Promise<Result<readonly Candidate[]> | null> {
  const tokens = groups.map((group) =>
    group.map((label) => ({
      kind: numberOf(label.index),
      token: blindToken(key, generation, label),
    })),
  );
  const question = { version: generation.version, groups: tokens, asker };
  const most = blindLimits.candidates;
  if (beyondCare || isNarrow(groups)) {
    const found = await findByToken(db, { ...question, limit: most + 1 });
    if (found === null) return null;
    if (found.length <= most) return ok(found);
    if (beyondCare) return tooMany();
  }
  const found = await findByAsker(db, { ...question, limit: storeLimits.listPatients + 1 }, own);
  if (found === null) return null;
  return found.length > storeLimits.listPatients ? tooMany() : ok(found);
}

export function createBlindIndex({ db, vault, clock }: BlindIndexDeps): BlindIndex {
  let known: { readonly setting: BlindSetting; readonly readAt: number } | null = null;

  const setting = async (fresh: boolean): Promise<Result<BlindSetting>> => {
    const now = clock.monotonicMs();
    if (!fresh && known !== null && now - known.readAt < blindLimits.settingMs)
      return ok(known.setting);
    const read = await attempt(() => readSetting(db));
    if (read.ok) known = { setting: read.value, readAt: now };
    return read;
  };

  return {
    find: async (asked) => {
      for (let round = 0; round < tries; round += 1) {
        const read = await setting(round > 0);
        if (!read.ok) return read;
        const { current } = read.value;
        if (current === null || current.rules !== blindRules) {
          if (round === 0) continue;
          return ok(null);
        }
        const key = await vault.keyAt("organisation", current.dekVersion);
        if (!key.ok) return key;
        const found = await attempt(() => lookUp(db, current, key.value, asked));
        if (!found.ok) return found;
        if (found.value !== null) return found.value;
      }
      return refuse("storage-unavailable");
    },
    writeKeys: async () => {
      const read = await setting(false);
      if (!read.ok) return read;
      const newest = await vault.keys(["organisation"]);
      if (!newest.ok) return newest;
      const keys = new Map([...newest.value.values()].map((key) => [key.dekVersion, key]));
      for (const generation of [read.value.current, read.value.building]) {
        if (generation === null || keys.has(generation.dekVersion)) continue;
        const key = await vault.keyAt("organisation", generation.dekVersion);
        if (!key.ok) return key;
        keys.set(key.value.dekVersion, key.value);
      }
      return ok([...keys.values()]);
    },
  };
}
