import type { Clock } from "#core/clock.ts";
import type { Pseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import {
  createFindByAsker,
  createFindByToken,
  type BlindFound,
  type BlindQuestion,
  type Candidate,
} from "#records/blind/find-store.ts";
import { readSetting, type BlindSetting } from "#records/blind/setting-store.ts";
import { blindRules } from "#records/fhir/blind-labels.ts";
import { storeLimits } from "#records/store.ts";
import type { CareAsker } from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { blindToken, numberOf, type BlindLabel, type BlindVersion } from "#vault/blind-index.ts";
import type { DataKey, Vault } from "#vault/vault.ts";

export const blindLimits = {
  /** Patients that a search across all of them may have to look at. */
  candidates: 1_000,
  /** Owners of a token from which a search across all patients may begin. */
  owners: 200_000,
  /**
   * The same for an asker with patients of her own: when there are more, it is quicker to begin
   * with hers.
   */
  ownersAmongCared: 4_000,
  /** Patients of her own to begin with. */
  cared: 100_000,
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

/** A version can be replaced between reading the setting and looking up, but not time and again. */
const tries = 3;

const tooMany = (): Result<never> =>
  refuse("parameter-invalid", { detail: "The search finds too much; narrow it." });

function questionOf(
  generation: BlindVersion,
  key: DataKey,
  { groups, ...asked }: BlindAsked,
): BlindQuestion {
  const tokens = groups.map((group) =>
    group.map((label) => ({
      kind: numberOf(label.index),
      token: blindToken(key, generation, label),
    })),
  );
  return { ...asked, version: generation.version, groups: tokens };
}

type LookUp = (question: BlindQuestion) => Promise<Result<BlindFound>>;

function createLookUp(db: Queryable): LookUp {
  const { owners, ownersAmongCared, cared, candidates } = blindLimits;
  const among = createFindByToken(db, { first: owners, found: candidates });
  const fewOwners = createFindByToken(db, {
    first: ownersAmongCared,
    found: storeLimits.listPatients,
  });
  const ofAsker = createFindByAsker(db, { first: cared, found: storeLimits.listPatients });
  return async (question) => {
    if (question.beyondCare) return among(question);
    const found = await fewOwners(question);
    return found.ok && found.value.kind === "too-many" ? ofAsker(question) : found;
  };
}

export function createBlindIndex({ db, vault, clock }: BlindIndexDeps): BlindIndex {
  const lookUp = createLookUp(db);
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
        const found = await lookUp(questionOf(current, key.value, asked));
        if (!found.ok) return found;
        if (found.value.kind === "too-many") return tooMany();
        if (found.value.kind === "found") return ok(found.value.candidates);
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
