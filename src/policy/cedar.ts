import { createHash } from "node:crypto";
import {
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  validate,
  type DetailedError,
  type EntityJson,
  type StatefulAuthorizationCall,
} from "@cedar-policy/cedar-wasm/nodejs";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { AttributeClass, ResourceClass } from "#policy/attribute-class.ts";
import type { PolicyTexts } from "#policy/policy-files.ts";

/** Policies and schema that Cedar holds parsed, under one name made of their text. */
export interface PreparedPolicies {
  readonly name: string;
  /** The @id of each policy. */
  readonly ids: readonly string[];
}

export type CedarAnswer =
  | { readonly decision: "allow" | "deny"; readonly policies: readonly string[] }
  /** Something could not be parsed, validated or evaluated. */
  | { readonly decision: "error" };

const policyId = /^[a-z0-9-]{1,64}$/;

/**
 * Parses policies and schema and validates the one against the other. Fails with
 * "policy-unavailable" and the first finding: warnings count, as a policy that can never apply is a
 * mistake, and a template is one, too, since nobody would fill it in.
 */
export function preparePolicies({ policies, schema }: PolicyTexts): Result<PreparedPolicies> {
  const byId = policiesById(policies);
  if (!byId.ok) return byId;
  const staticPolicies = Object.fromEntries(byId.value);
  const checked = validate({ schema, policies: { staticPolicies } });
  if (checked.type === "failure") return refused(checked.errors);
  const findings = [...checked.validationErrors, ...checked.validationWarnings];
  const [finding] = findings;
  if (finding !== undefined) return refused([finding.error], finding.policyId);
  if (checked.otherWarnings.length > 0) return refused(checked.otherWarnings);
  const name = createHash("sha256")
    .update(JSON.stringify([schema, policies]))
    .digest("hex");
  const parsedSchema = preparseSchema(name, schema);
  if (parsedSchema.type === "failure") return refused(parsedSchema.errors);
  const parsedPolicies = preparsePolicySet(name, { staticPolicies });
  if (parsedPolicies.type === "failure") return refused(parsedPolicies.errors);
  return ok({ name, ids: [...byId.value.keys()] });
}

function policiesById(text: string): Result<ReadonlyMap<string, string>> {
  const parts = policySetTextToParts(text);
  if (parts.type === "failure") return refused(parts.errors);
  if (parts.policy_templates.length > 0) return refusedFor("a template is left to be filled in");
  const byId = new Map<string, string>();
  for (const policy of parts.policies) {
    const parsed = policyToJson(policy);
    if (parsed.type === "failure") return refused(parsed.errors);
    const id = parsed.json.annotations?.["id"];
    if (id === undefined || !policyId.test(id)) return refusedFor("a policy has no proper @id");
    if (byId.has(id)) return refusedFor(`two policies have the id ${id}`);
    byId.set(id, policy);
  }
  return byId.size > 0 ? ok(byId) : refusedFor("there is no policy");
}

function refused(errors: readonly DetailedError[], id?: string): ReturnType<typeof refuse> {
  const message = errors[0]?.message ?? "unknown";
  return refusedFor(id === undefined ? message : `${id}: ${message}`);
}

const refusedFor = (detail: string): ReturnType<typeof refuse> =>
  refuse("policy-unavailable", { detail });

/** Puts one class to Cedar. Never throws: whatever goes wrong in there is an "error". */
export function askCedar({ name }: PreparedPolicies, asked: AttributeClass): CedarAnswer {
  try {
    const answer = statefulIsAuthorized(callOf(name, asked));
    // An error in one policy makes Cedar leave that policy out: a forbid that fails must not allow.
    if (answer.type === "failure" || answer.response.diagnostics.errors.length > 0)
      return { decision: "error" };
    const { decision, diagnostics } = answer.response;
    return { decision, policies: diagnostics.reason.toSorted() };
  } catch {
    return { decision: "error" };
  }
}

const caller = { type: "Person", id: "caller" } as const;
const targetId = "target";

/** Both entities are always sent: about one that is not sent Cedar would know nothing, and not say so. */
function callOf(name: string, asked: AttributeClass): StatefulAuthorizationCall {
  const { roles, deviceLevel, zone, purpose, action, resource } = asked;
  const target = { type: resource.kind, id: targetId };
  return {
    principal: caller,
    action: { type: "Action", id: action },
    resource: target,
    context: { deviceLevel, zone, purpose },
    entities: [
      { uid: caller, attrs: { roles: [...roles] }, parents: [] },
      { uid: target, attrs: attributesOf(resource), parents: [] },
    ],
    preparsedPolicySetId: name,
    preparsedSchemaName: name,
    validateRequest: true,
  };
}

function attributesOf(resource: ResourceClass): EntityJson["attrs"] {
  switch (resource.kind) {
    case "PatientRecord": {
      const { kind: _, ...facts } = resource;
      return { ...facts, labels: [...resource.labels] };
    }
    case "OrganisationRecord":
      return { resourceType: resource.resourceType };
    case "PatientLog":
    case "AccessRequest":
      return { ofCaller: resource.ofCaller, actedFor: resource.actedFor };
    case "SystemLog":
      return {};
    default:
      return unreachable(resource);
  }
}
