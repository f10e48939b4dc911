import type {
  Location,
  Organization,
  Practitioner,
  PractitionerRole,
  Questionnaire,
  Resource,
} from "@medplum/fhirtypes";
import { concept, hl7Coding, hl7Concept, systems } from "#town/codes/concept.ts";
import { callings } from "#town/codes/specialties.ts";
import { homeAt, patientsPerDistrict, siteOf } from "#town/household.ts";
import {
  hospitalSite,
  intakeQuestionnaire,
  locationId,
  organizationId,
  payerId,
  practitionerId,
  rootOrganizationId,
} from "#town/organisation-ids.ts";
import { type Colleague, sitesPerDistrict } from "#town/staff.ts";
import { payers } from "#town/words/payers.ts";
import type { World } from "#town/world.ts";

/** Names of our own numbering, which nobody else uses. */
export const townSystems = {
  mrn: "urn:phylax:town:mrn",
  employee: "urn:phylax:town:employee",
  member: "urn:phylax:town:member",
} as const;

export const healthSystemName = "Harbor Light Health";

/** Everything that belongs to no patient, each before what refers to it. */
export function* organisationOf(world: World, patients: number): Generator<Resource> {
  yield root(world);
  for (const [at, payer] of payers.entries()) yield payerOrganization(world, at, payer.name);
  yield intakeForm(world);
  const districts = Math.max(1, Math.ceil(patients / patientsPerDistrict));
  for (let district = 0; district < districts; district += 1) yield* districtOf(world, district);
}

function* districtOf(world: World, district: number): Generator<Resource> {
  yield group(world, district);
  for (let site = 0; site <= hospitalSite; site += 1) yield location(world, district, site);
  for (const colleague of world.staffOf(district)) {
    yield practitioner(world, colleague);
    yield role(world, colleague);
  }
}

function root(world: World): Organization {
  return {
    resourceType: "Organization",
    id: rootOrganizationId(world.id),
    active: true,
    type: [hl7Concept("organization-type", "prov", "Healthcare Provider")],
    name: healthSystemName,
    telecom: [{ system: "url", value: "https://harborlight.example" }],
  };
}

function payerOrganization(world: World, at: number, name: string): Organization {
  return {
    resourceType: "Organization",
    id: payerId(world.id, at),
    active: true,
    type: [hl7Concept("organization-type", "pay", "Payer")],
    name,
  };
}

function group(world: World, district: number): Organization {
  const clinic = siteOf(district, 0);
  return {
    resourceType: "Organization",
    id: organizationId(world.id, district),
    active: true,
    type: [hl7Concept("organization-type", "prov", "Healthcare Provider")],
    name: `${healthSystemName}, ${clinic.city} Group${district < 6 ? "" : ` ${district + 1}`}`,
    telecom: [{ system: "phone", value: `${clinic.areaCode}-555-0100`, use: "work" }],
    partOf: { reference: `Organization/${rootOrganizationId(world.id)}` },
  };
}

function location(world: World, district: number, site: number): Location {
  const hospital = site === hospitalSite;
  const clinic = siteOf(district, hospital ? 0 : site);
  const { line, city, state, zip } = homeAt(world.dice("location", district, site), clinic);
  return {
    resourceType: "Location",
    id: locationId(world.id, district, site),
    status: "active",
    name: `${healthSystemName} ${city} ${hospital ? "Hospital" : "Clinic"}`,
    mode: "instance",
    type: [
      hospital
        ? hl7Concept("v3-RoleCode", "HOSP", "Hospital")
        : hl7Concept("v3-RoleCode", "PC", "Primary care clinic"),
    ],
    address: {
      use: "work",
      line: [line.split(",")[0] ?? line],
      city,
      state,
      postalCode: zip,
      country: "US",
    },
    managingOrganization: { reference: `Organization/${organizationId(world.id, district)}` },
  };
}

function practitioner(world: World, colleague: Colleague): Practitioner {
  const { district, slot, specialty, given, family, sex } = colleague;
  const { title, role } = callings[specialty];
  const clinic = siteOf(district, colleague.site);
  return {
    resourceType: "Practitioner",
    id: practitionerId(world.id, district, slot),
    identifier: [
      {
        type: hl7Concept("v2-0203", "EI", "Employee number"),
        system: townSystems.employee,
        value: employeeNumber(colleague),
      },
    ],
    active: true,
    name: [
      {
        use: "official",
        family,
        given: [given],
        ...(role === "doctor" && title === "MD" ? { prefix: ["Dr."] } : {}),
        ...(title === "" ? {} : { suffix: [title] }),
      },
    ],
    telecom: [
      { system: "phone", value: `${clinic.areaCode}-555-01${String(20 + slot)}`, use: "work" },
      { system: "email", value: `staff${district}-${slot}@harborlight.example`, use: "work" },
    ],
    gender: sex,
  };
}

/** Also stands in the chart of a colleague who is a patient here. */
export function employeeNumber({ district, slot }: Colleague): string {
  return `E${String(district * 100 + slot).padStart(6, "0")}`;
}

function role(world: World, colleague: Colleague): PractitionerRole {
  const { district, slot, specialty, site } = colleague;
  const calling = callings[specialty];
  return {
    resourceType: "PractitionerRole",
    id: world.id("PractitionerRole", district, slot),
    active: true,
    practitioner: { reference: `Practitioner/${practitionerId(world.id, district, slot)}` },
    organization: { reference: `Organization/${organizationId(world.id, district)}` },
    code: [
      calling.role === "staff"
        ? { text: calling.display }
        : { coding: [hl7Coding("practitioner-role", calling.role)], text: calling.display },
    ],
    ...(calling.nucc === undefined
      ? {}
      : { specialty: [concept("nucc", calling.nucc, calling.display)] }),
    location: [
      { reference: `Location/${locationId(world.id, district, site % sitesPerDistrict)}` },
    ],
  };
}

function intakeForm(world: World): Questionnaire {
  return {
    resourceType: "Questionnaire",
    id: world.id("Questionnaire", 0),
    url: intakeQuestionnaire,
    name: "VisitIntake",
    title: "Before your visit",
    status: "active",
    subjectType: ["Patient"],
    item: [
      { linkId: "reason", text: "What brings you in today?", type: "string", required: true },
      {
        linkId: "changed",
        text: "Has anything in your health changed since your last visit?",
        type: "boolean",
      },
      { linkId: "pain", text: "How much pain are you in, from 0 (none) to 10?", type: "integer" },
      {
        linkId: "language",
        text: "In which language shall we talk?",
        type: "choice",
        answerOption: [
          { valueCoding: { system: systems.language, code: "en", display: "English" } },
          { valueCoding: { system: systems.language, code: "es", display: "Spanish" } },
        ],
      },
    ],
  };
}
