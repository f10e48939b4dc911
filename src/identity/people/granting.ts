import { parseInstant, type Instant } from "#core/clock.ts";
import { parseResourceId, type AccountId, type ResourceId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { parseBirthDate } from "#identity/people/birth-date.ts";
import { insertGrant } from "#identity/people/grant-store.ts";
import { sealGrant, type GrantGround, type GrantWords } from "#identity/people/grant.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

/** A grant as it is asked for. */
export interface WantedGrant extends GrantWords {
  readonly patient: ResourceId;
  /** Null: at once. */
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
}

const wrong = (at: string): ReturnType<typeof refuse> => refuse("parameter-invalid", { at });

/** ISO 8601 with a zone; undefined when it is something else than that or absent. */
function parseTime(value: unknown): Instant | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string" || !/T.*(?:Z|[+-]\d\d:\d\d)$/.test(value)) return undefined;
  return parseInstant(Date.parse(value)) ?? undefined;
}

function parseGround(body: JsonObject, now: Instant): Result<GrantGround> {
  const { basis } = body;
  switch (basis) {
    case "parent": {
      const birthDate = parseBirthDate(body["birthDate"], now);
      return birthDate === null ? wrong("birthDate") : ok({ basis, birthDate });
    }
    case "caregiver":
      return ok({ basis });
    case "representative": {
      const evidence = textOf(body, "evidence", identityLimits.evidenceChars);
      return evidence === null ? wrong("evidence") : ok({ basis, evidence });
    }
    default:
      return wrong("basis");
  }
}

/** From when to when, as far as it was said; fails as "parameter-invalid". */
export function parseSpan(
  body: JsonObject,
  now: Instant,
): Result<Pick<WantedGrant, "startsAt" | "endsAt">> {
  const startsAt = parseTime(body["startsAt"]);
  const endsAt = parseTime(body["endsAt"]);
  if (startsAt === undefined) return wrong("startsAt");
  const from = startsAt ?? now;
  const isBackwards = endsAt !== undefined && endsAt !== null && endsAt <= Math.max(from, now);
  if (endsAt === undefined || isBackwards) return wrong("endsAt");
  return ok({ startsAt, endsAt });
}

const name = (body: JsonObject, field: string): Result<string | null> => {
  if (body[field] === undefined || body[field] === null) return ok(null);
  const text = textOf(body, field, identityLimits.displayNameChars);
  return text === null ? wrong(field) : ok(text);
};

/**
 * Reads `{ patient, basis, birthDate | evidence, startsAt?, endsAt?, patientName?, proxyName? }`;
 * fails as "parameter-invalid", `at` naming the field.
 */
export function parseGrant(body: JsonObject, now: Instant): Result<WantedGrant> {
  const patient = typeof body["patient"] === "string" ? parseResourceId(body["patient"]) : null;
  if (patient === null) return wrong("patient");
  const ground = parseGround(body, now);
  if (!ground.ok) return ground;
  const span = parseSpan(body, now);
  if (!span.ok) return span;
  const patientName = name(body, "patientName");
  if (!patientName.ok) return patientName;
  const proxyName = name(body, "proxyName");
  if (!proxyName.ok) return proxyName;
  const names = { patientName: patientName.value, proxyName: proxyName.value };
  return ok({ patient, ground: ground.value, ...span.value, ...names });
}

export interface GrantingDeps {
  readonly sealer: Sealer;
  readonly random: Random;
}

/** Stores a grant and answers its id; `proxy` null when somebody is yet to take it up. */
export async function storeGrant(
  tx: Queryable,
  { sealer, random }: GrantingDeps,
  wanted: WantedGrant & { readonly proxy: AccountId | null; readonly grantedBy?: AccountId | null },
  now: Instant,
): Promise<string> {
  const id = random.uuid();
  const { ground, patientName, proxyName } = wanted;
  await insertGrant(tx, {
    id,
    patient: wanted.patient,
    proxy: wanted.proxy,
    sealed: sealGrant(sealer, id, { ground, patientName, proxyName }),
    grantedBy: wanted.grantedBy ?? null,
    createdAt: now,
    startsAt: wanted.startsAt ?? now,
    endsAt: wanted.endsAt,
  });
  return id;
}
