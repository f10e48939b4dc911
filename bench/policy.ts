import { join } from "node:path";
import {
  policySetTextToParts,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import type { PolicyRequest } from "#core/policy-request.ts";
import { invariant } from "#core/result.ts";
import { createAuthorizer, type Authorizer } from "#policy/authorizer.ts";
import { readPolicyFiles, type PolicyTexts } from "#policy/policy-files.ts";
import type { Figure } from "./figure.ts";

const classes = 4_000;
const repeats = 200_000;

/** Each number is a resource type, and so an attribute class, of its own. */
const requestOf = (n: number): PolicyRequest => ({
  tenant: "tenant",
  person: { account: "account", roles: ["clinician"], patients: [], actsFor: [] },
  session: { id: "session" },
  device: { id: "device", level: 1 },
  client: { id: "client" },
  zone: "clinic",
  purpose: "TREAT",
  action: "read",
  resource: {
    type: `Type${n}`,
    patient: "patient",
    inCareTeam: true,
    openedInEmergency: false,
    ofVisit: false,
    labels: ["hiv"],
    forbiddenByConsent: false,
  },
});

const pages = 200;
const labelSets: readonly (readonly string[])[] = [
  [],
  ["hiv"],
  ["mental-health"],
  ["reproductive"],
  ["substance-use"],
];

/** Decides 50 records of one page, of a type not asked about before, sensitive in five ways. */
function decidePage(decide: Authorizer["decide"], page: number): number {
  const request = requestOf(classes + page);
  const began = performance.now();
  for (let n = 0; n < 50; n += 1) {
    const labels = labelSets[n % labelSets.length] ?? [];
    decide({ ...request, resource: { ...request.resource, labels } });
  }
  return performance.now() - began;
}

/** Milliseconds that Cedar alone takes for the same question, asked directly; sorted. */
function timeCedar({ policies, schema }: PolicyTexts): readonly number[] {
  const parts = policySetTextToParts(policies);
  invariant(parts.type === "success", "the policies are read");
  const texts = parts.policies.map((text, n): [string, string] => [`policy-${n}`, text]);
  preparsePolicySet("bare", { staticPolicies: Object.fromEntries(texts) });
  preparseSchema("bare", schema);
  const uid = { type: "Person", id: "caller" };
  const resource = { type: "PatientRecord", id: "target" };
  const { type: resourceType, patient: _, ...facts } = requestOf(0).resource;
  const attrs = { ...facts, resourceType, ofCaller: false, actedFor: false };
  const call = {
    principal: uid,
    action: { type: "Action", id: "read" },
    resource,
    context: { deviceLevel: 1, zone: "clinic", purpose: "TREAT" },
    entities: [
      { uid, attrs: { roles: ["clinician"] }, parents: [] },
      { uid: resource, attrs: { ...attrs, labels: [...facts.labels] }, parents: [] },
    ],
    preparsedPolicySetId: "bare",
    preparsedSchemaName: "bare",
    validateRequest: true,
  };
  return Array.from({ length: classes }, () => {
    const began = performance.now();
    const answer = statefulIsAuthorized(call);
    const took = performance.now() - began;
    invariant(answer.type === "success" && answer.response.decision === "allow", "it is permitted");
    return took;
  }).sort((a, b) => a - b);
}

/** Decisions that Cedar takes, validated against the schema, and decisions remembered. */
export async function run(): Promise<readonly Figure[]> {
  const texts = await readPolicyFiles(join(import.meta.dirname, "../policies"));
  invariant(texts.ok, "the policies are there");
  const authorizer = createAuthorizer(texts.value);
  invariant(authorizer.ok, "the policies validate");
  const { value } = authorizer;
  const took = Array.from({ length: classes }, (_, n) => {
    const request = requestOf(n);
    const began = performance.now();
    invariant(value.decide(request).effect === "permit", "it is permitted");
    return performance.now() - began;
  }).sort((a, b) => a - b);
  const at = (share: number): number => took[Math.floor(classes * share)] ?? Number.NaN;
  const bare = timeCedar(texts.value)[classes / 2] ?? Number.NaN;
  const pagesTook = Array.from({ length: pages }, (_, page) =>
    decidePage((asked) => value.decide(asked), page),
  ).sort((a, b) => a - b);
  const request = requestOf(0);
  const began = performance.now();
  for (let n = 0; n < repeats; n += 1) value.decide(request);
  const remembered = (repeats / (performance.now() - began)) * 1_000;
  return [
    {
      name: "a decision of Cedar's with validation, p50",
      value: at(0.5),
      unit: "ms",
      ceiling: 0.2,
      ratio: at(0.5) / bare,
      against: "Cedar asked directly",
    },
    { name: "p99 of it", value: at(0.99), unit: "ms", ceiling: 1 },
    {
      name: "the decisions of a page of 50 records, p99",
      value: pagesTook[Math.floor(pages * 0.99)] ?? Number.NaN,
      unit: "ms",
      ceiling: 3,
    },
    { name: "a decision remembered", value: remembered, unit: "decisions/s" },
  ];
}
