import type {
  Encounter,
  Location,
  Organization,
  Patient,
  Practitioner,
  Reference,
  Resource,
} from "@medplum/fhirtypes";
import { invariant } from "#core/result.ts";
import type { Life } from "#town/course/life.ts";
import { siteOf } from "#town/household.ts";
import {
  locationId,
  organizationId,
  practitionerId,
  practitionerName,
} from "#town/organisation-ids.ts";
import { type Person, spokenName } from "#town/person.ts";
import type { Colleague } from "#town/staff.ts";
import type { World } from "#town/world.ts";

/** One patient's record while it is being written. */
export interface Chart {
  readonly world: World;
  readonly person: Person;
  readonly life: Life;
  readonly patient: Reference<Patient> & { reference: string };
  readonly organization: Reference<Organization> & { reference: string };
  /** Minutes from UTC of the clinic. */
  readonly utcMinutes: number;
  readonly resources: Resource[];
  /** The next id of a kind; call it once for each resource of that kind. */
  nextId(kind: Resource["resourceType"]): string;
  practitioner(slot: number): Reference<Practitioner> & { reference: string; display: string };
  location(site: number): Reference<Location> & { reference: string };
}

export type EncounterReference = Reference<Encounter> & { reference: string };

export function openChart(world: World, person: Person, life: Life): Chart {
  const { district, site } = person.household;
  const counts = new Map<string, number>();
  const patientId = world.id("Patient", person.n);
  const staff = world.staffOf(district);
  return {
    world,
    person,
    life,
    patient: { reference: `Patient/${patientId}`, display: spokenName(person) },
    organization: { reference: `Organization/${organizationId(world.id, district)}` },
    utcMinutes: siteOf(district, site).utcMinutes,
    resources: [],
    nextId: (kind) => {
      const count = counts.get(kind) ?? 0;
      counts.set(kind, count + 1);
      return world.id(kind, person.n, count);
    },
    practitioner: (slot) => practitionerReference(world, staff, slot),
    location: (at) => ({ reference: `Location/${locationId(world.id, district, at)}` }),
  };
}

function practitionerReference(
  world: World,
  staff: readonly Colleague[],
  slot: number,
): Reference<Practitioner> & { reference: string; display: string } {
  const colleague = staff[slot];
  invariant(colleague !== undefined, "a chart names a colleague who does not exist");
  return {
    reference: `Practitioner/${practitionerId(world.id, colleague.district, slot)}`,
    display: practitionerName(colleague),
  };
}
