import type { Instant } from "#core/clock.ts";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { peoplesRoles, type PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { parseGrant, type WantedGrant } from "#identity/people/granting.ts";
import { isGoodPassword } from "#identity/password/rule.ts";
import { isTotpSeed } from "#identity/password/totp.ts";

/** The fallback way to sign in; both halves or none. */
export interface PasswordSignIn {
  readonly login: string;
  readonly password: string;
  /** base32 (RFC 4648 §6). */
  readonly totpSeed: string;
}

export interface AccountRequest {
  readonly displayName: string;
  readonly roles: readonly PersonRole[];
  readonly patients: readonly ResourceId[];
  readonly practitioner: ResourceId | null;
  readonly departments: readonly string[];
  readonly actsFor: readonly WantedGrant[];
  readonly signIn: PasswordSignIn | null;
  /** The name by which the caller knows the account: asking twice makes one account. */
  readonly externalId: string | null;
}

const wrong = (at: string): ReturnType<typeof refuse> => refuse("parameter-invalid", { at });

function listOf<T extends string>(
  value: unknown,
  parse: (text: string) => T | null | undefined,
  max: number,
): readonly T[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const parsed = value.flatMap((one: unknown) =>
    typeof one === "string" ? (parse(one) ?? []) : [],
  );
  return parsed.length === value.length ? parsed : null;
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

function parseSignIn(body: JsonObject): Result<PasswordSignIn | null> {
  const names = ["login", "password", "totpSeed"];
  if (names.every((name) => isAbsent(body[name]))) return ok(null);
  const login = textOf(body, "login", identityLimits.loginChars);
  const password = textOf(body, "password", identityLimits.passwordCharsMax);
  const totpSeed = textOf(body, "totpSeed", 200);
  if (login === null) return wrong("login");
  if (password === null || !isGoodPassword(password, login)) return wrong("password");
  if (totpSeed === null || !isTotpSeed(totpSeed)) return wrong("totpSeed");
  return ok({ login, password, totpSeed });
}

const departmentForm = /^\S(?:[^\p{C}]*\S)?$/u;

const parseDepartment = (text: string): string | null =>
  text.length <= identityLimits.departmentChars && departmentForm.test(text) ? text : null;

export function parseDepartments(value: unknown): readonly string[] | null {
  const parsed = listOf(value ?? [], parseDepartment, identityLimits.departmentsPerAccount);
  return parsed === null ? null : [...new Set(parsed)];
}

/** Roles of people, each once and at least one; null for anything else. */
export function parseRoles(value: unknown): readonly PersonRole[] | null {
  const roles = listOf(
    value,
    (text) => peoplesRoles.find((role) => role === text),
    peoplesRoles.length,
  );
  return roles === null || roles.length === 0 ? null : [...new Set(roles)];
}

function parseActsFor(value: unknown, now: Instant): Result<readonly WantedGrant[]> {
  const given: readonly unknown[] | null = Array.isArray(value)
    ? value
    : isAbsent(value)
      ? []
      : null;
  if (given === null || given.length > identityLimits.grantsPerAccount) return wrong("actsFor");
  const grants: WantedGrant[] = [];
  for (const one of given) {
    const grant = isRecord(one) ? parseGrant(one, now) : wrong("");
    if (!grant.ok) return wrong(["actsFor", grant.problem.at ?? ""].filter(Boolean).join("."));
    grants.push(grant.value);
  }
  return ok(grants);
}

/** Reads the body of POST /internal/accounts; fails as "parameter-invalid", `at` naming the field. */
export function parseAccountRequest(body: JsonObject, now: Instant): Result<AccountRequest> {
  const displayName = textOf(body, "displayName", identityLimits.displayNameChars);
  if (displayName === null) return wrong("displayName");
  const roles = parseRoles(body["roles"]);
  if (roles === null) return wrong("roles");
  const patients = listOf(
    body["patients"] ?? [],
    parseResourceId,
    identityLimits.patientsPerAccount,
  );
  // Charts are a patient's own: for whom a proxy acts is granted, with a ground and an end.
  if (patients === null || (patients.length > 0 && !roles.includes("patient")))
    return wrong("patients");
  const given = body["practitioner"];
  const practitioner = typeof given === "string" ? parseResourceId(given) : null;
  if (!isAbsent(given) && practitioner === null) return wrong("practitioner");
  const externalId = textOf(body, "externalId", identityLimits.externalIdChars);
  if (!isAbsent(body["externalId"]) && externalId === null) return wrong("externalId");
  const departments = parseDepartments(body["departments"]);
  if (departments === null) return wrong("departments");
  const actsFor = parseActsFor(body["actsFor"], now);
  if (!actsFor.ok) return actsFor;
  const signIn = parseSignIn(body);
  if (!signIn.ok) return signIn;
  return ok({
    displayName,
    // Whoever is given somebody to act for is given the role in which it is done.
    roles:
      actsFor.value.length > 0 && !roles.includes("proxy") ? [...roles, "proxy" as const] : roles,
    patients,
    practitioner,
    departments,
    actsFor: actsFor.value,
    externalId,
    signIn: signIn.value,
  });
}
