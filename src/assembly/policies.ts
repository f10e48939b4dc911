import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "#core/result.ts";
import { readOwnPolicies, readPolicyFiles, type PolicyTexts } from "#policy/policy-files.ts";
import type { Home } from "#assembly/home.ts";

const folder = fileURLToPath(new URL("../../policies", import.meta.url));

/** The policies that come with the product. */
export const policyTexts = (): Promise<Result<PolicyTexts>> => readPolicyFiles(folder);

/** Where an operator puts policies of her own. */
export const ownPolicyFolder = (home: Pick<Home, "path">): string => join(home.path, "policies");

/** Reads them: `policies/*.cedar` of the home. */
export const readOwnPoliciesOf = (home: Pick<Home, "path">) => (): Promise<Result<string>> =>
  readOwnPolicies(ownPolicyFolder(home));
