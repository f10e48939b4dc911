import type { Conformance } from "#records/fhir/conformance.ts";
import { profileDefinition } from "#records/fhir/definitions.ts";
import { compileProfile } from "#records/fhir/profiles/compile.ts";
import type { Profile } from "#records/fhir/profiles/node.ts";

/** The profiles and extensions of R4 and of installed packages, compiled when first asked for. */
export interface Profiles {
  /** Null when none of this canonical is at hand. */
  readonly find: (canonical: string) => Profile | null;
}

/**
 * R4's vital signs bind the units of components as required to a list that lacks what R4 itself and
 * US Core record there (an oxygen flow in L/min). HL7's own validator reads it as extensible.
 */
function corrected(profile: Profile): Profile {
  if (profile.url !== "http://hl7.org/fhir/StructureDefinition/vitalsigns") return profile;
  const unit = profile.root.children.get("component")?.children.get("value");
  if (unit !== undefined && unit.binding !== null)
    unit.binding = { ...unit.binding, strength: "extensible" };
  return profile;
}

/** Urls that are none of ours are remembered, too, up to so many: a sender may invent any number. */
const maxUnknown = 2_000;

function create(conformance: Conformance): Profiles {
  const compiled = new Map<string, Profile>();
  const unknown = new Set<string>();
  const underWay = new Set<string>();
  const find = (canonical: string): Profile | null => {
    const known = compiled.get(canonical);
    if (known !== undefined) return known;
    if (unknown.has(canonical) || underWay.has(canonical)) return null;
    underWay.add(canonical);
    const definition =
      conformance.structureDefinition(canonical) ??
      profileDefinition(canonical.replace(/\|4\.0\.1$/, ""));
    const compiledNow = definition === null ? null : compileProfile(definition, find);
    const made = compiledNow === null ? null : corrected(compiledNow);
    underWay.delete(canonical);
    if (made !== null) compiled.set(canonical, made);
    else if (unknown.size < maxUnknown) unknown.add(canonical);
    return made;
  };
  return { find };
}

// A conformance never changes: what was compiled of it once holds as long as it does.
const made = new WeakMap<Conformance, Profiles>();

export function profilesOf(conformance: Conformance): Profiles {
  const known = made.get(conformance);
  if (known !== undefined) return known;
  const profiles = create(conformance);
  made.set(conformance, profiles);
  return profiles;
}
