import { purposes } from "#core/audit-entry.ts";
import { personRoles, policyActions, type PolicyAction } from "#core/policy-request.ts";
import type { AttributeClass, ResourceClass } from "#policy/attribute-class.ts";
import type { Authorizer } from "#policy/authorizer.ts";
import { outcomeText } from "#policy/replay.ts";

/** What the tables are made of. */
export interface TableFacts {
  readonly authorizer: Pick<Authorizer, "decideClass">;
  /** FHIR types that policies name, those together that they always name together; all others are decided alike. */
  readonly types: readonly (readonly string[])[];
  readonly labels: readonly string[];
}

/** Somebody who asks for a purpose about somebody's data: one row. */
interface Asker {
  readonly role: AttributeClass["roles"][number];
  readonly purpose: AttributeClass["purpose"];
  readonly whose: string;
  /** Relations that hold as well: what is permitted by one of them is told there. */
  readonly wider: readonly string[];
  readonly about: (type: string) => ResourceClass;
}

interface Circumstance {
  readonly name: string;
  readonly labels?: readonly string[];
  readonly forbiddenByConsent?: boolean;
  readonly deviceLevel?: number;
}

const anyOther = "all others";
const everyType = "every type";
const usual: Circumstance = { name: "usually" };

type Facts = Partial<Extract<ResourceClass, { kind: "PatientRecord" }>>;

const record =
  (facts: Facts) =>
  (resourceType: string): ResourceClass => ({
    kind: "PatientRecord",
    resourceType,
    ofCaller: false,
    actedFor: false,
    inCareTeam: false,
    openedInEmergency: false,
    ofVisit: false,
    labels: [],
    forbiddenByConsent: false,
    ...facts,
  });

const log = (ofCaller: boolean, actedFor: boolean) => (): ResourceClass => ({
  kind: "PatientLog",
  ofCaller,
  actedFor,
});
const request = (ofCaller: boolean, actedFor: boolean) => (): ResourceClass => ({
  kind: "AccessRequest",
  ofCaller,
  actedFor,
});

const anybodys = ["anybody's record"];
const relations: readonly Pick<Asker, "whose" | "wider" | "about">[] = [
  { whose: "anybody's record", wider: [], about: record({}) },
  { whose: "one's own record", wider: anybodys, about: record({ ofCaller: true }) },
  { whose: "of a person acted for", wider: anybodys, about: record({ actedFor: true }) },
  {
    whose: "of a visit handed over",
    wider: [...anybodys, "of a person acted for"],
    about: record({ actedFor: true, ofVisit: true }),
  },
  { whose: "of a patient in one's care", wider: anybodys, about: record({ inCareTeam: true }) },
  {
    whose: "of a chart opened in an emergency",
    wider: anybodys,
    about: record({ openedInEmergency: true }),
  },
  {
    whose: "nobody's record",
    wider: [],
    about: (resourceType) => ({ kind: "OrganisationRecord", resourceType }),
  },
  { whose: "anybody's log", wider: [], about: log(false, false) },
  { whose: "one's own log", wider: ["anybody's log"], about: log(true, false) },
  { whose: "the log of a person acted for", wider: ["anybody's log"], about: log(false, true) },
  { whose: "the whole log", wider: [], about: () => ({ kind: "SystemLog" }) },
  { whose: "anybody's request", wider: [], about: request(false, false) },
  { whose: "one's own request", wider: ["anybody's request"], about: request(true, false) },
  {
    whose: "the request of a person acted for",
    wider: ["anybody's request"],
    about: request(false, true),
  },
];

const askers: readonly Asker[] = personRoles.flatMap((role) =>
  purposes.flatMap((purpose) => relations.map((relation) => ({ role, purpose, ...relation }))),
);

const hasType = ({ about }: Asker): boolean => "resourceType" in about("");

function withFacts(resource: ResourceClass, facts: Circumstance): ResourceClass {
  if (resource.kind !== "PatientRecord") return resource;
  const { labels = [], forbiddenByConsent = false } = facts;
  return { ...resource, labels, forbiddenByConsent };
}

/** "permit" with what it is bound to, or "deny". */
function outcome(
  { authorizer }: TableFacts,
  asker: Asker,
  { action, type, facts }: { action: PolicyAction; type: string; facts: Circumstance },
): string {
  const decision = authorizer.decideClass({
    roles: [asker.role],
    deviceLevel: facts.deviceLevel ?? 1,
    // Work on the machine itself comes in there; nothing else is decided by the place.
    zone: action === "import" ? "operator" : "internet",
    purpose: asker.purpose,
    action,
    resource: withFacts(asker.about(type), facts),
  });
  return outcomeText(decision);
}

/** The types of which an action is permitted; those that no policy names stand as one. */
function permittedTypes(facts: TableFacts, asker: Asker, action: PolicyAction): string {
  const groups = hasType(asker) ? [...facts.types, [anyOther]] : [[anyOther]];
  const permitted = groups.filter(([type = ""]) =>
    outcome(facts, asker, { action, type, facts: usual }).startsWith("permit"),
  );
  return permitted.length === groups.length ? everyType : permitted.flat().toSorted().join(", ");
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");

interface Row {
  readonly asker: Asker;
  readonly actions: readonly PolicyAction[];
  readonly types: string;
}

const keyOf = ({ asker: { role, purpose }, actions, types }: Row, whose: string): string =>
  [role, purpose, whose, actions.join(" "), types].join("|");

/** Which actions are permitted to each asker, those of the same types together. */
function permitRows(facts: TableFacts): readonly Row[] {
  const rows = askers.flatMap((asker) => {
    const byTypes = Map.groupBy(policyActions, (action) => permittedTypes(facts, asker, action));
    return [...byTypes].flatMap(([types, actions]): Row[] =>
      types === "" ? [] : [{ asker, actions, types }],
    );
  });
  const told = new Set(rows.map((row) => keyOf(row, row.asker.whose)));
  return rows.filter((row) => !row.asker.wider.some((whose) => told.has(keyOf(row, whose))));
}

const typeIn = (types: string): string =>
  types === everyType ? anyOther : (types.split(", ")[0] ?? anyOther);

/** What a circumstance takes away, or binds, of what the first table permits: each once, with all for whom. */
function changes(
  facts: TableFacts,
  rows: readonly Row[],
  circumstance: Circumstance,
): readonly (readonly string[])[] {
  const changed = rows.flatMap(({ asker, actions, types }) => {
    const byOutcome = Map.groupBy(actions, (action) =>
      outcome(facts, asker, { action, type: typeIn(types), facts: circumstance }),
    );
    const { role, purpose, whose } = asker;
    return [...byOutcome].flatMap(([what, of]) =>
      what === "permit"
        ? []
        : [{ of: of.join(", "), what, who: `${role} for ${purpose} (${whose})` }],
    );
  });
  return [...Map.groupBy(changed, ({ of, what }) => `${of}|${what}`).values()].map((same) => [
    same.map(({ who }) => who).join("; "),
    same[0]?.of ?? "",
    same[0]?.what ?? "",
  ]);
}

/**
 * Two tables in Markdown, made by asking policy about everything that it can see: who is permitted
 * what of data without labels, on a device with a key of its own; and what other circumstances take
 * away of that or bind.
 */
export function decisionTables(facts: TableFacts): string {
  const rows = permitRows(facts);
  const circumstances: readonly Circumstance[] = [
    { name: "a device without a key", deviceLevel: 0 },
    { name: "a Consent forbids it", forbiddenByConsent: true },
    ...facts.labels.map((label) => ({ name: `labelled ${label}`, labels: [label] })),
  ];
  const permits = rows.map(({ asker: { role, purpose, whose }, actions, types }) => [
    role,
    purpose,
    whose,
    actions.join(", "),
    types,
  ]);
  // Labels that change the same are told of together.
  const alike = Map.groupBy(
    circumstances.map((each) => ({ name: each.name, cells: changes(facts, rows, each) })),
    ({ cells }) => JSON.stringify(cells),
  );
  const changed = [...alike.values()].flatMap((same) =>
    (same[0]?.cells ?? []).map((cells) => [same.map(({ name }) => name).join(", "), ...cells]),
  );
  return [
    markdown(["role", "purpose", "whose", "may", "of the types"], permits),
    markdown(["when", "then for", "this", "is"], changed),
  ].join("\n\n");
}
