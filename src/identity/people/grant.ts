import type { Instant } from "#core/clock.ts";
import type { AccountId, ResourceId } from "#core/ids.ts";
import { parseAccountId, parseResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { invariant } from "#core/result.ts";
import { identityLimits } from "#identity/limits.ts";
import { birthdayBegins, parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";
import {
  findGrantsOf,
  holdAccount,
  tellSessions,
  type Acting,
  type GrantRow,
} from "#identity/people/grant-store.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

/** On what ground somebody acts for a patient (45 CFR 164.502(g), 164.510(b)). */
export type GrantGround =
  /** Until the child is of age, told by the birth date at the time of asking. */
  | { readonly basis: "parent"; readonly birthDate: BirthDate }
  /** The patient wants it so. */
  | { readonly basis: "caregiver" }
  /** By law: a guardian, a health care agent, an executor; `evidence` names the paper that was seen. */
  | { readonly basis: "representative"; readonly evidence: string };

export interface GrantWords {
  readonly ground: GrantGround;
  /** As whoever granted it calls them. */
  readonly patientName: string | null;
  readonly proxyName: string | null;
}

export interface Grant extends GrantWords {
  readonly id: string;
  readonly patient: ResourceId;
  /** Null until somebody took it up. */
  readonly proxy: AccountId | null;
  readonly grantedBy: AccountId | null;
  readonly createdAt: Instant;
  readonly startsAt: Instant;
  /** The earlier of the date that was set and, of a parent, the child's coming of age; null for neither. */
  readonly endsAt: Instant | null;
}

const purposeOf = (id: string): string => `proxy-grant:${id}`;

export function sealGrant(sealer: Sealer, id: string, words: GrantWords): Buffer {
  return sealText(sealer, purposeOf(id), JSON.stringify(words));
}

const textOr = (value: unknown): string | null => (typeof value === "string" ? value : null);

function groundOf(value: unknown, createdAt: Instant): GrantGround | null {
  if (!isRecord(value)) return null;
  const { basis, birthDate, evidence } = value;
  if (basis === "caregiver") return { basis };
  if (basis === "representative" && typeof evidence === "string") return { basis, evidence };
  const born = basis === "parent" ? parseBirthDate(birthDate, createdAt) : null;
  return born === null ? null : { basis: "parent", birthDate: born };
}

const earlier = (one: Instant | null, other: Instant): Instant =>
  one !== null && one < other ? one : other;

export interface GrantDeps {
  readonly sealer: Sealer;
  /** The age in years at which a parent's access ends. */
  readonly parentEndsAtAge: number;
}

/** Opens a stored grant. Throws BrokenInvariant when it was altered. */
export function openGrant({ sealer, parentEndsAtAge }: GrantDeps, row: GrantRow): Grant {
  const { sealed: _sealed, ...known } = row;
  const words: unknown = JSON.parse(openText(sealer, purposeOf(row.id), row.sealed));
  const ground = isRecord(words) ? groundOf(words["ground"], row.createdAt) : null;
  const patient = parseResourceId(row.patient);
  invariant(
    isRecord(words) && ground !== null && patient !== null,
    "a grant is not what was sealed",
  );
  const endsAt =
    ground.basis === "parent"
      ? earlier(row.endsAt, birthdayBegins(ground.birthDate, parentEndsAtAge))
      : row.endsAt;
  return {
    ...known,
    patient,
    ground,
    proxy: row.proxy === null ? null : parseAccountId(row.proxy),
    grantedBy: row.grantedBy === null ? null : parseAccountId(row.grantedBy),
    patientName: textOr(words["patientName"]),
    proxyName: textOr(words["proxyName"]),
    endsAt,
  };
}

/** Those of the grants that hold at the moment. */
export const holds = ({ startsAt, endsAt }: Grant, now: Instant): boolean =>
  startsAt <= now && (endsAt === null || endsAt > now);

/** The account's grants that hold or are to come. */
async function openGrantsOf(
  db: Queryable,
  account: AccountId,
  now: Instant,
  deps: GrantDeps,
): Promise<readonly Grant[]> {
  const rows = await findGrantsOf(db, account, now, identityLimits.grantsPerAccount);
  return rows
    .map((row) => openGrant(deps, row))
    .filter(({ endsAt }) => endsAt === null || endsAt > now);
}

/** For whom the account may act and when, also where it has yet to begin. What has no end ends for the session with the session. */
export async function actingOf(
  db: Queryable,
  account: AccountId,
  now: Instant,
  deps: GrantDeps,
): Promise<Acting> {
  const grants = await openGrantsOf(db, account, now, deps);
  return {
    patients: grants.map(({ patient }) => patient),
    fromMs: grants.map(({ startsAt }) => startsAt),
    untilMs: grants.map(({ endsAt }) => endsAt ?? Number.MAX_SAFE_INTEGER),
  };
}

export interface ActedFor {
  readonly patient: ResourceId;
  /** As whoever granted it calls them; null when nobody said. */
  readonly name: string | null;
}

/** For whom the account may act at this moment. */
export async function actedForBy(
  db: Queryable,
  account: AccountId,
  now: Instant,
  deps: GrantDeps,
): Promise<readonly ActedFor[]> {
  const grants = await openGrantsOf(db, account, now, deps);
  const holding = grants.filter((grant) => holds(grant, now));
  const named = new Map(holding.map(({ patient, patientName }) => [patient, patientName]));
  return [...named].map(([patient, name]) => ({ patient, name }));
}

/** Has every session of the account go by its grants as they stand in this transaction. */
export async function actAnew(
  tx: Queryable,
  account: AccountId,
  now: Instant,
  deps: GrantDeps,
): Promise<void> {
  await holdAccount(tx, account);
  await tellSessions(tx, account, await actingOf(tx, account, now, deps));
}
