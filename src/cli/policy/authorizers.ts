import { existsSync } from "node:fs";
import { ownPolicyFolder, policyTexts } from "#assembly/policies.ts";
import type { OpenedHome } from "#cli/ask.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { createAuthorizer, type Authorizer } from "#policy/authorizer.ts";
import { readOwnPolicies, type PolicyTexts } from "#policy/policy-files.ts";

export interface OpenedPolicies {
  readonly authorizer: Authorizer;
  readonly texts: PolicyTexts;
  readonly folder: string;
}

/** The product's policies with those of a folder, or of the home. Fails as "policy-unavailable". */
export async function openPolicies(
  { home }: OpenedHome,
  given?: string,
): Promise<Result<OpenedPolicies>> {
  if (given !== undefined && !existsSync(given))
    return refuse("policy-unavailable", { detail: `There is no folder ${given}.` });
  const folder = given ?? ownPolicyFolder(home);
  const [product, own] = await Promise.all([policyTexts(), readOwnPolicies(folder)]);
  if (!product.ok) return product;
  if (!own.ok) return own;
  const texts = { ...product.value, own: own.value };
  const authorizer = createAuthorizer(texts);
  return authorizer.ok ? ok({ authorizer: authorizer.value, texts, folder }) : authorizer;
}
