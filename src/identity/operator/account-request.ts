import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { personRoles, type PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
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
  if (password === null || password.length < identityLimits.passwordCharsMin)
    return wrong("password");
  if (totpSeed === null || !isTotpSeed(totpSeed)) return wrong("totpSeed");
  return ok({ login, password, totpSeed });
}

/** Reads the body of POST /internal/accounts; fails as "parameter-invalid", `at` naming the field. */
export function parseAccountRequest(body: JsonObject): Result<AccountRequest> {
  const displayName = textOf(body, "displayName", identityLimits.displayNameChars);
  if (displayName === null) return wrong("displayName");
  const roles = listOf(
    body["roles"],
    (text) => personRoles.find((role) => role === text),
    personRoles.length,
  );
  if (roles === null || roles.length === 0) return wrong("roles");
  const patients = listOf(
    body["patients"] ?? [],
    parseResourceId,
    identityLimits.patientsPerAccount,
  );
  if (patients === null) return wrong("patients");
  const given = body["practitioner"];
  const practitioner = typeof given === "string" ? parseResourceId(given) : null;
  if (!isAbsent(given) && practitioner === null) return wrong("practitioner");
  const externalId = textOf(body, "externalId", identityLimits.externalIdChars);
  if (!isAbsent(body["externalId"]) && externalId === null) return wrong("externalId");
  const signIn = parseSignIn(body);
  if (!signIn.ok) return signIn;
  return ok({ displayName, roles, patients, practitioner, externalId, signIn: signIn.value });
}
