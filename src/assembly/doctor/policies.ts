import { createAuthorizer } from "#policy/authorizer.ts";
import { failure, good, type Check, type Patient } from "#assembly/doctor/check.ts";
import { ownPolicyFolder, policyTexts, readOwnPoliciesOf } from "#assembly/policies.ts";

const name = "Policies";

/** Whether the policies validate, the operator's own among them. */
export async function checkPolicies({ home }: Pick<Patient, "home">): Promise<Check> {
  const next = `mend the files in ${ownPolicyFolder(home)}; those before them stay in force until a restart`;
  const [product, own] = await Promise.all([policyTexts(), readOwnPoliciesOf(home)()]);
  if (!product.ok) return failure(name, product.problem.detail ?? "unread", "install Phylax anew");
  if (!own.ok) return failure(name, own.problem.detail ?? "unread", next);
  const authorizer = createAuthorizer({ ...product.value, own: own.value });
  if (!authorizer.ok) return failure(name, authorizer.problem.detail ?? "refused", next);
  const { policies } = authorizer.value;
  const ours = policies.filter((id) => id.startsWith("own-")).length;
  return good(name, `${policies.length} policies validate, ${ours} of them your own.`);
}
