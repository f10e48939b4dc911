import type { PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Operator } from "#assembly/operator.ts";

export interface NewGrant {
  readonly patient: string;
  readonly basis: "parent" | "caregiver" | "representative";
  /** Of the child, YYYY-MM-DD; for a parent. */
  readonly birthDate?: string;
  /** The paper that was seen; for a representative. */
  readonly evidence?: string;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

/** What identity's operator door takes to make an account. */
export interface NewAccount {
  /** Asked again with the same one, identity gives the account it made then. */
  readonly externalId: string;
  readonly displayName: string;
  readonly roles: readonly PersonRole[];
  /** FHIR ids of the person's own charts. */
  readonly patients?: readonly string[];
  readonly departments?: readonly string[];
  /** For whom else the person acts, each with a ground: see docs/identity.md. */
  readonly actsFor?: readonly NewGrant[];
  readonly practitioner?: string;
  readonly login?: string;
  readonly password?: string;
  readonly totpSeed?: string;
}

export interface MadeAccount {
  readonly account: string;
  /** Path with the one-time token in its fragment: it reaches no server's log. */
  readonly enrolPath: string;
}

function readMade(value: unknown): MadeAccount | null {
  if (
    typeof value !== "object" ||
    value === null ||
    !("account" in value) ||
    !("enrolPath" in value)
  )
    return null;
  const { account, enrolPath } = value;
  return typeof account === "string" && typeof enrolPath === "string"
    ? { account, enrolPath }
    : null;
}

/** Makes an account, or finds the one made before, with a fresh one-time link to enrol a passkey. */
export async function makeAccount(
  operator: Operator,
  account: NewAccount,
): Promise<Result<MadeAccount>> {
  const answer = await operator.postJson("identity", "/internal/accounts", account);
  if (!answer.ok) return answer;
  const made = readMade(answer.value);
  return made === null
    ? refuse("upstream-unavailable", { detail: "identity answered in a form that is not known" })
    : ok(made);
}
