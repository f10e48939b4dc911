import { purposes, zones } from "#core/audit-entry.ts";
import { personRoles, policyActions } from "#core/policy-request.ts";
import type { AttributeClass, ResourceClass } from "#policy/attribute-class.ts";

/** How caller and data stand to each other, by the word that says so. */
const relations = {
  own: "ofCaller",
  "acted-for": "actedFor",
  "care-team": "inCareTeam",
  emergency: "openedInEmergency",
  "consent-forbids": "forbiddenByConsent",
  "of-visit": "ofVisit",
} as const;
type Relation = keyof typeof relations;
type Facts = Readonly<Partial<Record<(typeof relations)[Relation], boolean>>>;

const none = "-";

/** No blank and no plus stays in a word, and no word is the sign for none. */
const wordOf = (text: string): string =>
  text === none ? "%2D" : encodeURIComponent(text.toWellFormed());

const listOf = (texts: readonly string[]): string =>
  texts.length === 0 ? none : texts.map(wordOf).join("+");

function relationsOf(resource: ResourceClass): string {
  const facts: Facts & Pick<ResourceClass, "kind"> = resource;
  const words = Object.entries(relations).filter(([, fact]) => facts[fact] === true);
  return listOf(words.map(([word]) => word));
}

/**
 * A class of attributes in one line, for the log: action, kind, type, relations, labels, roles, level,
 * zone and purpose, with blanks between, e.g.
 * `read PatientRecord Observation care-team hiv clinician 1 clinic TREAT`.
 */
export function classText({ resource, ...asked }: AttributeClass): string {
  return [
    asked.action,
    resource.kind,
    "resourceType" in resource ? wordOf(resource.resourceType) : none,
    relationsOf(resource),
    "labels" in resource ? listOf(resource.labels) : none,
    listOf(asked.roles),
    asked.deviceLevel,
    asked.zone,
    asked.purpose,
  ].join(" ");
}

const textsOf = (list: string): readonly string[] =>
  list === none ? [] : list.split("+").map(decodeURIComponent);

function resourceOf(
  kind: string,
  { type, words, labels }: { type: string; words: readonly string[]; labels: readonly string[] },
): ResourceClass | null {
  const has = (word: Relation): boolean => words.includes(word);
  const whose = { ofCaller: has("own"), actedFor: has("acted-for") };
  const resourceType = decodeURIComponent(type);
  switch (kind) {
    case "PatientRecord":
      return {
        kind,
        resourceType,
        ...whose,
        inCareTeam: has("care-team"),
        openedInEmergency: has("emergency"),
        labels,
        forbiddenByConsent: has("consent-forbids"),
        ofVisit: has("of-visit"),
      };
    case "OrganisationRecord":
      return { kind, resourceType };
    case "PatientLog":
    case "AccessRequest":
      return { kind, ...whose };
    case "SystemLog":
      return { kind };
    default:
      return null;
  }
}

function read(text: string): AttributeClass | null {
  const [action, kind = "", type = "", words = "", labels = "", ...rest] = text.split(" ");
  const [roles = "", level = "", zone, purpose] = rest;
  const known = {
    action: policyActions.find((each) => each === action),
    zone: zones.find((each) => each === zone),
    purpose: purposes.find((each) => each === purpose),
    resource: resourceOf(kind, { type, words: textsOf(words), labels: textsOf(labels) }),
  };
  if (known.action === undefined || known.zone === undefined) return null;
  if (known.purpose === undefined || known.resource === null) return null;
  return {
    roles: personRoles.filter((role) => textsOf(roles).includes(role)).sort(),
    deviceLevel: Number(level),
    zone: known.zone,
    purpose: known.purpose,
    action: known.action,
    resource: known.resource,
  };
}

/** Null unless the text is exactly what classText writes of some class that can be asked today. */
export function parseClassText(text: string): AttributeClass | null {
  try {
    const asked = read(text);
    return asked !== null && classText(asked) === text ? asked : null;
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
