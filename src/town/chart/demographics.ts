import type {
  Address,
  ContactPoint,
  Extension,
  HumanName,
  Identifier,
  Patient,
  RelatedPerson,
} from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { dateText, timeText } from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import { hl7Concept, systems } from "#town/codes/concept.ts";
import type { Home, Member } from "#town/household.ts";
import { employeeNumber, townSystems } from "#town/organisation.ts";
import { mrnText, type Person, spokenName } from "#town/person.ts";
import { cultures } from "#town/words/names.ts";

/** ISO 21090 address use: how FHIR R4 says that an address is bad or must be kept secret. */
function addressUse(code: "BAD" | "CONF"): Extension {
  return { url: "http://hl7.org/fhir/StructureDefinition/iso21090-AD-use", valueCode: code };
}

export function writePatient(chart: Chart): void {
  const { person } = chart;
  const addresses = addressesOf(person);
  const telecom = telecomOf(person);
  chart.resources.push({
    resourceType: "Patient",
    id: chart.patient.reference.slice("Patient/".length),
    extension: [
      {
        url: "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex",
        valueCode: person.sex === "female" ? "F" : "M",
      },
      ...(person.needsInterpreter ? [interpreterRequired] : []),
    ],
    identifier: identifiersOf(person),
    active: person.death === null,
    name: namesOf(person),
    ...(telecom.length === 0 ? {} : { telecom }),
    gender: person.sex,
    birthDate: dateText(person.birth),
    ...(person.death === null ? {} : { deceasedDateTime: timeText(person.death, 720) }),
    ...(addresses.length === 0 ? {} : { address: addresses }),
    ...(person.minor ? {} : { maritalStatus: maritalStatus(person) }),
    ...contactOf(person),
    communication: [
      {
        language: {
          coding: [
            { system: systems.language, code: person.language, display: languageName(person) },
          ],
          text: languageName(person),
        },
        preferred: true,
      },
    ],
    generalPractitioner: [chart.practitioner(person.primary)],
    managingOrganization: chart.organization,
  } satisfies Patient);
}

const interpreterRequired: Extension = {
  url: "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired",
  valueBoolean: true,
};

function languageName(person: Person): string {
  return cultures.find(({ language }) => language === person.language)?.languageName ?? "English";
}

function mrnOf(mrn: string): Identifier {
  return {
    use: "usual",
    type: hl7Concept("v2-0203", "MR", "Medical record number"),
    system: townSystems.mrn,
    value: mrn,
  };
}

function identifiersOf({ mrn, colleague }: Person): Identifier[] {
  const own = mrnOf(mrn);
  if (colleague === null) return [own];
  const type = hl7Concept("v2-0203", "EI", "Employee number");
  return [own, { type, system: townSystems.employee, value: employeeNumber(colleague) }];
}

function namesOf(person: Member): HumanName[] {
  const given = person.given.map(({ latin }) => latin);
  const suffix = person.suffix === null ? {} : { suffix: [person.suffix] };
  const official: HumanName = { use: "official", family: person.family.latin, given, ...suffix };
  const family = person.family.native;
  const first = person.given[0]?.native;
  if (family === undefined || first === undefined) return [official];
  return [official, { use: "usual", text: `${family} ${first}`, family, given: [first] }];
}

function telecomOf(person: Person): ContactPoint[] {
  const phones: ContactPoint[] = person.phones.map(({ use, text }) => ({
    system: "phone",
    value: text,
    use,
  }));
  if (person.email === null) return phones;
  return [...phones, { system: "email", value: person.email }];
}

function addressOf(home: Home): Address {
  return {
    use: "home",
    type: "both",
    line: [home.line],
    city: home.city,
    state: home.state,
    postalCode: home.zip,
    country: "US",
  };
}

function addressesOf(person: Person): Address[] {
  const { formerHome, movedOn } = person;
  const current = currentAddress(person);
  if (formerHome === null || movedOn === null) return current;
  const since = current.map((address) => ({ ...address, period: { start: dateText(movedOn) } }));
  return [
    ...since,
    { ...addressOf(formerHome), use: "old", period: { end: dateText(movedOn - 1) } },
  ];
}

function currentAddress(person: Person): Address[] {
  const home = addressOf(person.household.home);
  switch (person.addressState) {
    case "good":
      return [home];
    case "returned":
      return [{ ...home, extension: [addressUse("BAD")] }];
    case "confidential":
      return [{ ...home, extension: [addressUse("CONF")] }];
    case "incomplete": {
      const { city, state } = person.household.home;
      return [{ use: "home", city, state, country: "US" }];
    }
    case "missing":
      return [];
    default:
      return unreachable(person.addressState);
  }
}

function maritalStatus(person: Person): Patient["maritalStatus"] & object {
  const couple = person.household.members.some(({ kin }) => kin === "partner");
  const partnered = couple && (person.kin === "head" || person.kin === "partner");
  return partnered
    ? hl7Concept("v3-MaritalStatus", "M", "Married")
    : hl7Concept("v3-MaritalStatus", "S", "Never Married");
}

function contactOf(person: Person): Pick<Patient, "contact"> {
  const other = person.household.members.find(
    (member) => member.n !== person.n && member.kin !== "child",
  );
  if (person.minor || other === undefined || person.addressState === "confidential") return {};
  const relationship = [hl7Concept("v2-0131", "C", "Emergency Contact")];
  return { contact: [{ relationship, name: { text: spokenName(other) }, gender: other.sex }] };
}

/** Parents of a minor, and a grown child who speaks for an elder. */
export function writeRelatives(chart: Chart): void {
  const { person } = chart;
  for (const relative of relativesOf(person)) {
    chart.resources.push({
      resourceType: "RelatedPerson",
      id: chart.nextId("RelatedPerson"),
      // The relative's own number here tells that both charts are of one family.
      identifier: [mrnOf(mrnText(relative.n))],
      active: true,
      patient: chart.patient,
      relationship: [relationTo(person, relative)],
      name: namesOf(relative).slice(0, 1),
      gender: relative.sex,
      birthDate: dateText(relative.birth),
    } satisfies RelatedPerson);
  }
}

function relativesOf(person: Person): readonly Member[] {
  const grownUps = person.household.members.filter(
    ({ kin }) => kin === "head" || kin === "partner",
  );
  if (person.minor && person.kin === "child") return grownUps;
  return person.kin === "grandparent" ? grownUps.slice(0, 1) : [];
}

function relationTo(person: Person, relative: Member): ReturnType<typeof hl7Concept> {
  if (person.kin === "grandparent") return hl7Concept("v3-RoleCode", "CHILD", "child");
  return relative.sex === "female"
    ? hl7Concept("v3-RoleCode", "MTH", "mother")
    : hl7Concept("v3-RoleCode", "FTH", "father");
}
