import { callings } from "#town/codes/specialties.ts";
import type { IdSource } from "#town/ids.ts";
import { type Colleague, sitesPerDistrict } from "#town/staff.ts";

/** The place of the whole health system among the organisations; its groups follow. */
const rootPlace = 0;

export function rootOrganizationId(id: IdSource): string {
  return id("Organization", rootPlace);
}

/** The group of clinics of one district. */
export function organizationId(id: IdSource, district: number): string {
  return id("Organization", rootPlace + 1, district);
}

export function payerId(id: IdSource, payer: number): string {
  return id("Organization", rootPlace + 2, payer);
}

/** `site` is a clinic's number, or `hospitalSite`. */
export function locationId(id: IdSource, district: number, site: number): string {
  return id("Location", district, site);
}

export const hospitalSite = sitesPerDistrict;

export function practitionerId(id: IdSource, district: number, slot: number): string {
  return id("Practitioner", district, slot);
}

export function practitionerName(colleague: Colleague): string {
  const { title } = callings[colleague.specialty];
  const name = `${colleague.given} ${colleague.family}`;
  return title === "" ? name : `${name}, ${title}`;
}

export const intakeQuestionnaire = "urn:phylax:town:questionnaire:intake";
