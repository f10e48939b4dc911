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
  type PolicyJson,
  type StatefulAuthorizationCall,
} from "@cedar-policy/cedar-wasm/nodejs";
import { policyActions, type Obligation, type PolicyAction } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { AttributeClass, ResourceClass } from "#policy/attribute-class.ts";
import { readObligation } from "#policy/obligation.ts";
import type { PolicyTexts } from "#policy/policy-files.ts";

/** Policies and schema that Cedar holds parsed, under one name made of their text. */
export interface PreparedPolicies {
  readonly name: string;
  /** The @id of each policy. */
  readonly ids: readonly string[];
  /** What a policy obliges to, by its id. */
  readonly obliging: ReadonlyMap<string, Obligation>;
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
export function preparePolicies({
  policies,
  schema,
  own = "",
}: PolicyTexts): Result<PreparedPolicies> {
  const byId = policiesById([
    { text: policies, isOwn: false },
    { text: own, isOwn: true },
  ]);
  if (!byId.ok) return byId;
  const { texts, obliging, scopes } = byId.value;
  const staticPolicies = Object.fromEntries(texts);
  const checked = validate({ schema, policies: { staticPolicies } });
  if (checked.type === "failure") return refused(checked.errors);
  const findings = [...checked.validationErrors, ...checked.validationWarnings];
  const [finding] = findings;
  if (finding !== undefined) return refused([finding.error], finding.policyId);
  if (checked.otherWarnings.length > 0) return refused(checked.otherWarnings);
  const name = createHash("sha256")
    .update(JSON.stringify([schema, policies, own]))
    .digest("hex");
  const parsedSchema = preparseSchema(name, schema);
  if (parsedSchema.type === "failure") return refused(parsedSchema.errors);
  for (const action of policyActions)
    for (const which of ["all", "plain"] as const) {
      const set = [...texts].filter(
        ([id]) => mayApply(scopes.get(id), action) && (which === "all" || !obliging.has(id)),
      );
      const parsed = preparsePolicySet(setName(name, action, which), {
        staticPolicies: Object.fromEntries(set),
      });
      if (parsed.type === "failure") return refused(parsed.errors);
    }
  return ok({ name, ids: [...texts.keys()], obliging });
}

/** All policies, or those alone that oblige to nothing: by them it is decided whether at all. */
type Which = "all" | "plain";

const setName = (name: string, action: PolicyAction, which: Which): string =>
  `${name}/${action}/${which}`;

type ActionScope = PolicyJson["action"];

/**
 * Whether a policy's scope admits this action. The others need not be looked at, as a scope that does
 * not match makes Cedar leave a policy out. What is not understood here is left to Cedar.
 */
function mayApply(scope: ActionScope | undefined, action: PolicyAction): boolean {
  if (scope === undefined || scope.op === "All") return true;
  const named = "entities" in scope ? scope.entities : "entity" in scope ? [scope.entity] : [];
  const ids = named.map((uid) => ("type" in uid ? uid : uid.__entity).id);
  const areActions = ids.every((id) => policyActions.some((known) => known === id));
  return ids.length === 0 || !areActions || ids.includes(action);
}

interface ReadPolicies {
  readonly texts: Map<string, string>;
  readonly obliging: Map<string, Obligation>;
  readonly scopes: Map<string, ActionScope>;
}

interface SourceText {
  readonly text: string;
  /** Written by the operator, whose ids are told apart so that none takes the place of another. */
  readonly isOwn: boolean;
}

const ownPrefix = "own-";

function policiesById(sources: readonly SourceText[]): Result<ReadPolicies> {
  const read: ReadPolicies = { texts: new Map(), obliging: new Map(), scopes: new Map() };
  for (const source of sources) {
    const parts = policySetTextToParts(source.text);
    if (parts.type === "failure") return refused(parts.errors);
    if (parts.policy_templates.length > 0) return refusedFor("a template is left to be filled in");
    for (const policy of parts.policies) {
      const added = addPolicy(read, policy, source.isOwn);
      if (!added.ok) return added;
    }
  }
  return read.texts.size > 0 ? ok(read) : refusedFor("there is no policy");
}

function addPolicy(
  { texts, obliging, scopes }: ReadPolicies,
  policy: string,
  isOwn: boolean,
): Result<null> {
  const parsed = policyToJson(policy);
  if (parsed.type === "failure") return refused(parsed.errors);
  const { annotations = {}, effect, action } = parsed.json;
  const id = annotations["id"];
  if (typeof id !== "string" || !policyId.test(id)) return refusedFor("a policy has no proper @id");
  if (isOwn !== id.startsWith(ownPrefix))
    return refusedFor(`${id}: ids of an operator's own policies, and no others, begin with own-`);
  if (texts.has(id)) return refusedFor(`two policies have the id ${id}`);
  texts.set(id, policy);
  scopes.set(id, action);
  const obligation = readObligation(annotations);
  if (obligation.kind === "unreadable") return refusedFor(`${id}: ${obligation.detail}`);
  if (obligation.kind === "none") return ok(null);
  // Whatever reads no annotations denies then, which is the safe way to misread it.
  if (effect !== "forbid") return refusedFor(`${id}: only a forbid can oblige`);
  obliging.set(id, obligation.obligation);
  return ok(null);
}

function refused(errors: readonly DetailedError[], id?: string): ReturnType<typeof refuse> {
  const message = errors[0]?.message ?? "unknown";
  return refusedFor(id === undefined ? message : `${id}: ${message}`);
}

const refusedFor = (detail: string): ReturnType<typeof refuse> =>
  refuse("policy-unavailable", { detail });

/**
 * Puts one class to all policies, or to those alone that oblige to nothing. Never throws: whatever
 * goes wrong in there is an "error".
 */
export function askCedar(
  { name }: PreparedPolicies,
  asked: AttributeClass,
  which: Which,
): CedarAnswer {
  try {
    const policies = setName(name, asked.action, which);
    const call = callOf({ schema: name, policies }, asked);
    const answer = statefulIsAuthorized(call);
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
function callOf(
  names: { readonly schema: string; readonly policies: string },
  asked: AttributeClass,
): StatefulAuthorizationCall {
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
    preparsedPolicySetId: names.policies,
    preparsedSchemaName: names.schema,
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
