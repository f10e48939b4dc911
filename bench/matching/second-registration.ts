import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import type { Dice } from "#town/dice.ts";

/** How often each thing goes wrong when a person who is known is registered a second time. */
const odds = {
  familySlip: 0.06,
  familyChanged: 0.04,
  givenSlip: 0.05,
  givenShort: 0.08,
  givenMiddle: 0.01,
  birthDateSlip: 0.03,
  birthDateTurned: 0.02,
  birthDateDefault: 0.01,
  birthDateMissing: 0.02,
  genderMissing: 0.02,
  genderWrong: 0.005,
  phonesMissing: 0.1,
  phonesChanged: 0.35,
  mailMissing: 0.25,
  mailChanged: 0.3,
  homeMissing: 0.1,
  homeChanged: 0.25,
  homeWrittenOtherwise: 0.4,
  lifelongKnown: 0.5,
  lifelongSlip: 0.03,
} as const;

const letters = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";

const letterOf = (alphabet: string, dice: Dice): string =>
  alphabet.charAt(dice.between(0, alphabet.length - 1));

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** One character more, less, other, or two exchanged. */
function slipIn(text: string, dice: Dice, alphabet: string): string {
  const at = dice.between(1, Math.max(1, text.length - 2));
  const [before, here, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
  switch (dice.between(0, 3)) {
    case 0:
      return before + after;
    case 1:
      return before + letterOf(alphabet, dice) + here + after;
    case 2:
      return before + letterOf(alphabet, dice) + after;
    default:
      return before + after.charAt(0) + here + after.slice(1);
  }
}

function birthDateOf(text: string, dice: Dice): string | undefined {
  const [year = "", month = "", day = ""] = text.split("-");
  if (dice.chance(odds.birthDateMissing)) return undefined;
  if (dice.chance(odds.birthDateDefault)) return `${year}-01-01`;
  if (dice.chance(odds.birthDateTurned) && Number(day) <= 12) return `${year}-${day}-${month}`;
  if (!dice.chance(odds.birthDateSlip)) return text;
  const other = String((Number(year) % 10) + dice.between(1, 9)).slice(-1);
  return `${year.slice(0, 3)}${other}-${month}-${day}`;
}

function nameOf(name: JsonObject, dice: Dice, changed: string): JsonObject {
  const family = textOf(name.family);
  const [first = "", middle = ""] = listOf(name.given).map(textOf);
  const given = dice.chance(odds.givenSlip)
    ? slipIn(first, dice, letters)
    : dice.chance(odds.givenShort)
      ? first.slice(0, dice.pick([1, 3]))
      : dice.chance(odds.givenMiddle) && middle !== ""
        ? middle
        : first;
  return {
    family: dice.chance(odds.familySlip)
      ? slipIn(family, dice, letters)
      : dice.chance(odds.familyChanged)
        ? changed
        : family,
    given: [given],
  };
}

const isMail = (point: unknown): boolean => isObject(point) && point.system === "email";

function telecomOf(patient: JsonObject, dice: Dice): readonly unknown[] {
  const points = listOf(patient.telecom);
  const mails = points.filter(isMail);
  const phones = points.filter((point) => !isMail(point));
  const keptMails = dice.chance(odds.mailMissing)
    ? []
    : dice.chance(odds.mailChanged)
      ? [{ system: "email", value: `mail${dice.between(1, 999_999)}@example.net` }]
      : mails;
  const keptPhones = dice.chance(odds.phonesMissing)
    ? []
    : dice.chance(odds.phonesChanged)
      ? [{ system: "phone", value: `617-555-${dice.between(1_000, 9_999)}` }]
      : phones.slice(0, 1);
  return [...keptPhones, ...(mails.length === 0 ? [] : keptMails)];
}

function addressOf(patient: JsonObject, dice: Dice): readonly unknown[] {
  const [home] = listOf(patient.address);
  if (!isObject(home) || dice.chance(odds.homeMissing)) return [];
  if (dice.chance(odds.homeChanged))
    return [{ ...home, line: [`${dice.between(1, 999)} Newcomer Way`], postalCode: "02139" }];
  if (!dice.chance(odds.homeWrittenOtherwise)) return [home];
  const line = listOf(home.line).map((text) =>
    textOf(text).replace("Street", "St.").replace("Road", "Rd").toUpperCase(),
  );
  return [{ ...home, line }];
}

const ssn = (n: number): object => ({
  system: "http://hl7.org/fhir/sid/us-ssn",
  value: `9${String(n).padStart(8, "0")}`,
});

/** The town's Patient with a lifelong number for some, as a first registration has it. */
export function firstRegistration(patient: JsonObject, n: number, dice: Dice): JsonObject {
  const identifier = [...listOf(patient.identifier)];
  if (dice.chance(odds.lifelongKnown)) identifier.push(ssn(n));
  return { ...patient, identifier };
}

/** The same person once more: another record number, and whatever went wrong at the desk. */
export function secondRegistration(
  patient: JsonObject,
  { n, dice, otherFamily }: { n: number; dice: Dice; otherFamily: string },
): JsonObject {
  const number = { system: "urn:phylax:town:mrn", value: `DUP${n}` };
  const known = ssn(n);
  const [name] = listOf(patient.name);
  const lifelong = dice.chance(odds.lifelongKnown)
    ? [
        dice.chance(odds.lifelongSlip)
          ? { ...known, value: slipIn(`9${String(n).padStart(8, "0")}`, dice, digits) }
          : known,
      ]
    : [];
  const gender = dice.chance(odds.genderMissing)
    ? undefined
    : dice.chance(odds.genderWrong)
      ? "unknown"
      : patient.gender;
  return {
    resourceType: "Patient",
    identifier: [number, ...lifelong],
    name: [nameOf(isObject(name) ? name : {}, dice, otherFamily)],
    birthDate: birthDateOf(textOf(patient.birthDate), dice),
    gender,
    telecom: telecomOf(patient, dice),
    address: addressOf(patient, dice),
  };
}
