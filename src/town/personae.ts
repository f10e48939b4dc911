import { invariant } from "#core/result.ts";
import { firstFamilyMembers } from "#town/first-family.ts";
import { practitionerId, practitionerName } from "#town/organisation-ids.ts";
import { personAt, spokenName } from "#town/person.ts";
import { firstPhysician } from "#town/staff.ts";
import type { Town } from "#town/town.ts";
import { createWorld } from "#town/world.ts";
import { fixedDay } from "#town/calendar.ts";

export interface PatientPersona {
  readonly patientId: string;
  readonly displayName: string;
}

/** The people as whom a demo signs in. */
export interface Personae {
  /** Ana, with a long record; her physician's panel holds her. */
  readonly patient: PatientPersona;
  /** Her son, a minor, for whom she may act. */
  readonly child: PatientPersona;
  readonly clinician: { readonly practitionerId: string; readonly displayName: string };
  readonly privacyOfficer: { readonly displayName: string };
  readonly securityOperator: { readonly displayName: string };
}

/** Needs a town of at least four patients; throws BrokenInvariant on a smaller one. */
export function demoPersonae(town: Pick<Town, "seed" | "asOf" | "size">): Personae {
  invariant(town.size > firstFamilyMembers.mateo, "the demo's family needs four patients");
  const world = createWorld(town.seed, fixedDay(town.asOf));
  const patient = (n: number): PatientPersona => ({
    patientId: world.id("Patient", n),
    displayName: spokenName(personAt(world, n)),
  });
  const physician = world.staffOf(0)[firstPhysician.slot];
  invariant(physician !== undefined, "the demo's clinician is missing");
  return {
    patient: patient(firstFamilyMembers.ana),
    child: patient(firstFamilyMembers.mateo),
    clinician: {
      practitionerId: practitionerId(world.id, 0, firstPhysician.slot),
      displayName: practitionerName(physician),
    },
    privacyOfficer: { displayName: "Ingrid Solheim-Park" },
    securityOperator: { displayName: "Tobias Achterberg" },
  };
}
