import { createHash } from "node:crypto";
import { ok, type Result } from "#core/result.ts";
import { createAuthorizer, type Authorizer } from "#policy/authorizer.ts";
import type { PolicyTexts } from "#policy/policy-files.ts";

/** What came of policies that the operator changed. */
export type PolicyChange =
  | { readonly kind: "taken"; readonly digest: string }
  /** They do not validate, or cannot be read: those before stay in force. */
  | { readonly kind: "refused"; readonly digest: string; readonly detail: string };

export interface PolicyWatchDeps {
  /** The product's own. */
  readonly product: PolicyTexts;
  readonly readOwn: () => Promise<Result<string>>;
}

export interface PolicyWatch {
  /** Decides by the policies that are in force at the moment. */
  readonly authorizer: Authorizer;
  /**
   * Looks at the operator's policies once. What changed is tried when two looks in a row found the
   * same, so that no set is taken while its files are being written, and is told before it is in
   * force: where `tell` answers false it is not taken, and tried again by the next look.
   */
  look(tell: (change: PolicyChange) => Promise<boolean>): Promise<void>;
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Fails with "policy-unavailable" when the policies do not validate at the start: then nothing is in force. */
export async function openPolicyWatch({
  product,
  readOwn,
}: PolicyWatchDeps): Promise<Result<PolicyWatch>> {
  const authorizerOf = (own: Result<string>): Result<Authorizer> =>
    own.ok ? createAuthorizer({ ...product, own: own.value }) : own;
  const nameOf = (own: Result<string>): string =>
    digestOf(own.ok ? own.value : (own.problem.detail ?? own.problem.code));
  const first = await readOwn();
  const opened = authorizerOf(first);
  if (!opened.ok) return opened;
  let current = opened.value;
  let settled = nameOf(first);
  let seen = settled;
  return ok({
    authorizer: {
      decide: (request) => current.decide(request),
      decideClass: (asked) => current.decideClass(asked),
      get policies() {
        return current.policies;
      },
    },
    look: async (tell) => {
      const own = await readOwn();
      const digest = nameOf(own);
      const isStill = digest === seen;
      seen = digest;
      if (!isStill || digest === settled) return;
      const next = authorizerOf(own);
      const { detail = "policy-unavailable" } = next.ok ? {} : next.problem;
      const change = next.ok
        ? ({ kind: "taken", digest } as const)
        : ({ kind: "refused", digest, detail } as const);
      if (!(await tell(change))) return;
      settled = digest;
      if (next.ok) current = next.value;
    },
  });
}
