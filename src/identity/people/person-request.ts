import type { Instant } from "#core/clock.ts";
import type { PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { assurances, type Assurance } from "#identity/accounts/account.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  parseAccountRequest,
  parseDepartments,
  parseRoles,
  type AccountRequest,
} from "#identity/operator/account-request.ts";
import { parseBirthDate, type BirthDate } from "#identity/people/birth-date.ts";

const wrong = (at: string): ReturnType<typeof refuse> => refuse("parameter-invalid", { at });
const isAbsent = (value: unknown): boolean => value === undefined || value === null;

export interface PersonWish {
  readonly wanted: AccountRequest;
  readonly kind: "person" | "break-glass";
  /** The second fact beside a code on paper. */
  readonly birthDate: BirthDate | null;
}

const ownRoles: readonly PersonRole[] = ["patient", "proxy"];

/** Reads what an administrator asks for; fails as "parameter-invalid", `at` naming the field. */
export function parsePersonWish(body: JsonObject, now: Instant): Result<PersonWish> {
  const {
    kind = "person",
    birthDate: given,
    login: _,
    password: __,
    totpSeed: ___,
    ...rest
  } = body;
  if (kind !== "person" && kind !== "break-glass") return wrong("kind");
  const wanted = parseAccountRequest(rest, now);
  if (!wanted.ok) return wanted;
  const { roles } = wanted.value;
  if (kind === "break-glass" && roles.some((role) => ownRoles.includes(role)))
    return wrong("roles");
  const birthDate = isAbsent(given) ? null : parseBirthDate(given, now);
  if (!isAbsent(given) && birthDate === null) return wrong("birthDate");
  return ok({ wanted: wanted.value, kind, birthDate });
}

export interface PersonChange {
  readonly displayName: string | null;
  readonly roles: readonly PersonRole[] | null;
  readonly departments: readonly string[] | null;
  readonly suspended: boolean | null;
  /** How the person's identity was proven, and by what evidence (NIST SP 800-63A). */
  readonly proofing: { readonly assurance: Assurance; readonly evidence: string } | null;
}

function parseProofing(body: JsonObject): Result<PersonChange["proofing"]> {
  if (isAbsent(body["assurance"])) return ok(null);
  const assurance = assurances.find((level) => level === body["assurance"]);
  if (assurance === undefined) return wrong("assurance");
  const evidence = textOf(body, "evidence", identityLimits.evidenceChars);
  return evidence === null ? wrong("evidence") : ok({ assurance, evidence });
}

/** Reads what is to change; what is absent stays. Fails as "parameter-invalid", `at` naming the field. */
export function parsePersonChange(body: JsonObject): Result<PersonChange> {
  const { displayName: name, roles: wanted, departments: places, suspended = null } = body;
  const displayName = isAbsent(name)
    ? null
    : textOf(body, "displayName", identityLimits.displayNameChars);
  if (!isAbsent(name) && displayName === null) return wrong("displayName");
  const roles = isAbsent(wanted) ? null : parseRoles(wanted);
  if (!isAbsent(wanted) && roles === null) return wrong("roles");
  const departments = isAbsent(places) ? null : parseDepartments(places);
  if (!isAbsent(places) && departments === null) return wrong("departments");
  if (suspended !== null && typeof suspended !== "boolean") return wrong("suspended");
  const proofing = parseProofing(body);
  if (!proofing.ok) return proofing;
  return ok({ displayName, roles, departments, suspended, proofing: proofing.value });
}
