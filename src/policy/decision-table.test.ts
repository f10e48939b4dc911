import assert from "node:assert/strict";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { policySetTextToParts } from "@cedar-policy/cedar-wasm/nodejs";
import { purposes, type PurposeOfUse, type Zone } from "#core/audit-entry.ts";
import {
  personRoles,
  type PersonRole,
  type PolicyAction,
  type PolicyRequest,
} from "#core/policy-request.ts";
import type { Result } from "#core/result.ts";
import { createAuthorizer, type Authorizer } from "#policy/authorizer.ts";
import { readPolicyFiles, type PolicyTexts } from "#policy/policy-files.ts";
import { outcomeText } from "#policy/replay.ts";

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : result.problem.detail);
  return result.value;
}

const texts = value(await readPolicyFiles(join(import.meta.dirname, "../../policies")));

/** One line of the table, in the words of the second implementation below. */
interface Line {
  readonly roles: readonly PersonRole[];
  readonly level: number;
  readonly zone: Zone;
  readonly purpose: PurposeOfUse;
  readonly action: PolicyAction;
  readonly data: Data;
}

interface Data {
  readonly type: string;
  readonly whose: "own" | "acted for" | "another's" | "nobody's";
  readonly inCareTeam: boolean;
  readonly opened: boolean;
  readonly label: string | null;
  readonly forbidden: boolean;
  /** Of the visit that was handed over. */
  readonly ofVisit?: boolean;
}

const roleSets: readonly (readonly PersonRole[])[] = [
  [],
  ...personRoles.map((role) => [role]),
  ["patient", "proxy"],
  ["clinician", "patient"],
  ["clinician", "privacy-officer"],
  ["administrator", "service"],
  ["clinician", "kiosk"],
];
const recordActions = [
  "read",
  "search",
  "history",
  "create",
  "update",
  "delete",
  "relabel",
  "import",
  "export",
  "break-glass",
] as const;
const matchActions = ["match", "merge"] as const;
const requestActions = ["access-request", "access-register"] as const;
const logActions = ["access-log", "audit-read", "break-glass-review"] as const;

const patientData: readonly Data[] = (
  [
    ["own", false],
    ["acted for", false],
    ["another's", false],
    ["another's", true],
  ] as const
).flatMap(([whose, opened]) =>
  [false, true].flatMap((inCareTeam) =>
    (
      [
        ["Observation", null, false],
        ["Observation", "psychotherapy", false],
        ["Observation", "minor-confidential", false],
        ["Observation", null, true],
        ["Consent", null, true],
      ] as const
    ).map(([type, label, forbidden]) => ({ type, whose, inCareTeam, opened, label, forbidden })),
  ),
);
/** What payment and public health need of anybody, be it labelled or not. */
const neededData: readonly Data[] = (
  [
    ["Coverage", null],
    ["Coverage", "hiv"],
    ["Immunization", null],
  ] as const
).map(([type, label]) => ({
  type,
  whose: "another's",
  inCareTeam: false,
  opened: false,
  label,
  forbidden: false,
}));
/** What a kiosk was handed, and what lies just beside it. */
const intakeData: readonly Data[] = (
  [
    ["QuestionnaireResponse", "acted for", true],
    ["QuestionnaireResponse", "acted for", false],
    ["QuestionnaireResponse", "another's", true],
    ["Observation", "acted for", true],
  ] as const
).map(([type, whose, ofVisit]) => ({
  type,
  whose,
  inCareTeam: false,
  opened: false,
  label: null,
  forbidden: false,
  ofVisit,
}));
const asPatient = (data: Data): Data => ({ ...data, type: "Patient" });
const nobodys = (type: string): Data => ({
  type,
  whose: "nobody's",
  inCareTeam: false,
  opened: false,
  label: null,
  forbidden: false,
});
const logData: readonly Data[] = (["own", "acted for", "another's", "nobody's"] as const).map(
  (whose) => ({
    type: "AuditEvent",
    whose,
    inCareTeam: false,
    opened: false,
    label: null,
    forbidden: false,
  }),
);

const table: readonly Line[] = roleSets.flatMap((roles) =>
  [0, 1].flatMap((level) =>
    (["internet", "operator"] as const).flatMap((zone) =>
      purposes.flatMap((purpose) => [
        ...recordActions.flatMap((action) =>
          [
            ...patientData,
            ...neededData,
            ...intakeData,
            nobodys("Practitioner"),
            nobodys("Group"),
          ].map((data) => ({
            roles,
            level,
            zone,
            purpose,
            action,
            data,
          })),
        ),
        ...matchActions.flatMap((action) =>
          [...patientData, ...patientData.map(asPatient), nobodys("Practitioner")].map((data) => ({
            roles,
            level,
            zone,
            purpose,
            action,
            data,
          })),
        ),
        ...[...logActions, ...requestActions].flatMap((action) =>
          logData.map((data) => ({ roles, level, zone, purpose, action, data })),
        ),
      ]),
    ),
  ),
);

function requestOf({ roles, level, zone, purpose, action, data }: Line): PolicyRequest {
  const patient = data.whose === "nobody's" ? null : data.whose;
  return {
    tenant: "tenant",
    person: { account: "account", roles, patients: ["own", "third"], actsFor: ["acted for"] },
    session: { id: "session" },
    device: { id: "device", level },
    client: { id: "client" },
    zone,
    purpose,
    action,
    resource: {
      type: data.type,
      patient,
      inCareTeam: data.inCareTeam,
      openedInEmergency: data.opened,
      ofVisit: data.ofVisit === true,
      labels: data.label === null ? [] : [data.label],
      forbiddenByConsent: data.forbidden,
    },
  };
}

/** The rules once more, told from the side of the data and knowing nothing of Cedar. */
function mayHappen({ roles, level, zone, purpose, action, data }: Line): boolean {
  const is = (role: PersonRole): boolean => roles.includes(role);
  const looking = ["read", "search", "history"].includes(action);
  if (level === 0 && (!looking || data.label !== null)) return false;
  const changing = ["create", "update", "delete", "relabel"].includes(action);
  const asking = (is("patient") || is("proxy")) && purpose === "PATRQT";
  const isHers =
    asking &&
    ((is("patient") && data.whose === "own") || (is("proxy") && data.whose === "acted for"));
  const treating = is("clinician") && purpose === "TREAT";
  const serving = is("service") && purpose === "HOPERAT" && looking && data.label === null;

  if (is("kiosk") && action !== "create") return false;
  // A Consent that forbids forbids all but what is done with the Consent itself.
  if (data.forbidden && data.type !== "Consent") return false;
  if (action === "import") return is("service") && zone === "operator" && purpose === "SYSADMIN";
  if (action === "match" || action === "merge") {
    if (data.whose === "nobody's") return false;
    if (action === "match" && treating && data.inCareTeam) return true;
    const isKept = data.label === "psychotherapy" && !(treating && data.inCareTeam);
    const isOfficer = is("privacy-officer") && purpose === "HOPERAT";
    return isOfficer && data.type === "Patient" && !isKept;
  }
  if (action === "access-request") return isHers;
  const rescuing = is("clinician") && purpose === "BTG";
  if (action === "break-glass") return rescuing && !data.inCareTeam && data.whose !== "nobody's";
  if (action === "break-glass-review") return is("privacy-officer") && purpose === "HOPERAT";
  if (action === "access-register") return is("privacy-officer") && purpose === "HOPERAT";
  if (action === "audit-read" && data.whose === "nobody's")
    return is("security-operator") && purpose === "HOPERAT";
  if (action === "access-log" || action === "audit-read") {
    if (data.whose === "nobody's") return false;
    if (is("privacy-officer") && purpose === "HOPERAT") return true;
    return isHers;
  }
  if (action === "export" && data.whose === "nobody's") return false;
  if (serving) return true;
  const necessary =
    (purpose === "HPAYMT" && data.type === "Coverage") ||
    (purpose === "PUBHLTH" && data.type === "Immunization");
  if (is("service") && looking && data.label === null && necessary) return true;
  if (data.whose === "nobody's")
    return looking && (treating || (asking && data.type === "Practitioner"));
  if (rescuing && data.opened && looking && level > 0 && data.label !== "psychotherapy")
    return true;
  const taking = looking || action === "export";
  if (treating && data.inCareTeam) return taking || changing;
  const isIntake = data.type === "QuestionnaireResponse" && data.ofVisit === true;
  if (is("kiosk") && purpose === "TREAT" && isIntake && data.whose === "acted for")
    return action === "create";
  const isKeptFromParents = data.label === "minor-confidential" && data.whose === "acted for";
  return taking && isHers && data.label !== "psychotherapy" && !isKeptFromParents;
}

/** What must come of a line: "deny", or "permit" with each obligation. */
function expectedOf(line: Line): string {
  if (!mayHappen(line)) return "deny";
  const isShown = ["read", "search", "history", "export"].includes(line.action);
  const isKept = line.data.label === "psychotherapy" && line.data.whose !== "nobody's";
  return isShown && isKept ? "permit, step-up max-age:900" : "permit";
}

suite("the decision table", () => {
  let authorizer: Authorizer;
  /** The lines in whose decision each policy had a part. */
  const decidedBy = new Map<string, Line[]>();
  const wrong: string[] = [];
  let permits = 0;

  before(() => {
    authorizer = value(createAuthorizer(texts));
    for (const line of table) {
      const decision = authorizer.decide(requestOf(line));
      for (const id of decision.policies) {
        const lines = decidedBy.get(id) ?? [];
        lines.push(line);
        decidedBy.set(id, lines);
      }
      const permitted = decision.effect === "permit";
      permits += permitted ? 1 : 0;
      const failed = decision.effect === "deny" && decision.reason === "error";
      if (failed || outcomeText(decision) !== expectedOf(line))
        wrong.push(JSON.stringify({ line, decision }));
    }
  });

  test("is decided line by line as the second implementation decides it", () => {
    assert.deepEqual(wrong.slice(0, 10), []);
  });

  test("has permits and denials enough to mean something", () => {
    assert.ok(table.length > 25_000, `only ${table.length} lines`);
    assert.ok(permits > 250 && permits < table.length / 10, `${permits} permits`);
  });

  test("permits nothing to an administrator, nor to a person without a role", () => {
    for (const line of table)
      if (line.roles.length === 0 || line.roles.join() === "administrator")
        assert.equal(authorizer.decide(requestOf(line)).effect, "deny");
  });

  test("changes when any one policy is dropped, whichever it is", () => {
    for (const dropped of authorizer.policies) {
      const without = value(createAuthorizer(withoutPolicy(texts, dropped)));
      // A policy that had no part in a decision cannot change it by going.
      const noticed = (decidedBy.get(dropped) ?? []).some(
        (line) => outcomeText(without.decide(requestOf(line))) !== expectedOf(line),
      );
      assert.ok(noticed, `nothing changes without ${dropped}`);
    }
  });
});

function withoutPolicy({ policies, schema }: PolicyTexts, id: string): PolicyTexts {
  const parts = policySetTextToParts(policies);
  assert.ok(parts.type === "success");
  const kept = parts.policies.filter((policy) => !policy.includes(`@id("${id}")`));
  assert.equal(kept.length, parts.policies.length - 1);
  return { schema, policies: kept.join("\n") };
}
