import { parseSmartScope, type SmartScope } from "#core/smart-scope.ts";

const aboutPerson: ReadonlyMap<string, string> = new Map([
  ["openid", "Know that it is you who signed in"],
  ["fhirUser", "Know your name and who you are here"],
  ["launch", "Know whose record is open"],
  ["launch/patient", "Know whose record you pick"],
  ["online_access", "Keep working while you are signed in"],
  ["offline_access", "Keep working while you are away, for up to 90 days"],
]);

const kinds: ReadonlyMap<string, string> = new Map([
  ["*", "everything in the record"],
  ["AllergyIntolerance", "allergies"],
  ["Appointment", "appointments"],
  ["CarePlan", "care plans"],
  ["CareTeam", "the care team"],
  ["Condition", "health problems"],
  ["Consent", "choices about sharing"],
  ["Coverage", "insurance"],
  ["Device", "implants and devices"],
  ["DiagnosticReport", "test reports"],
  ["DocumentReference", "documents"],
  ["Encounter", "visits"],
  ["FamilyMemberHistory", "family history"],
  ["Goal", "health goals"],
  ["Immunization", "vaccines"],
  ["Location", "places of care"],
  ["Medication", "medicines"],
  ["MedicationRequest", "prescriptions"],
  ["MedicationStatement", "medicines taken"],
  ["Observation", "test results and vital signs"],
  ["Organization", "clinics and other organisations"],
  ["Patient", "name, birth date and contact details"],
  ["Practitioner", "doctors and nurses"],
  ["Procedure", "procedures"],
  ["Provenance", "where entries come from"],
  ["RelatedPerson", "family and helpers"],
  ["ServiceRequest", "orders and referrals"],
]);

const deeds = [
  ["rs", "See"],
  ["c", "Add"],
  ["u", "Change"],
  ["d", "Delete"],
] as const;

/** "See", "See and add", "See, add and delete". */
function deedsOf(letters: string): string {
  const words = deeds.flatMap(([any, word]) =>
    any.split("").some((letter) => letters.includes(letter)) ? [word] : [],
  );
  const [first = "", ...rest] = words;
  const last = rest.pop();
  const lower = rest.map((word) => word.toLowerCase());
  const listed = [first, ...lower].join(", ");
  return last === undefined ? listed : `${listed} and ${last.toLowerCase()}`;
}

/** "category: laboratory": the code alone, as its system is an address that tells people nothing. */
function filterWords(filter: string): string {
  return [...new URLSearchParams(filter)]
    .map(([name, value]) => {
      const codes = value.split(",").map((one) => one.slice(one.lastIndexOf("|") + 1));
      return `${name.replaceAll("-", " ")}: ${codes.join(" or ")}`;
    })
    .join(", ");
}

const whose: Readonly<Record<SmartScope["context"], string>> = {
  patient: "",
  user: ", of everyone whose record you may open",
  system: ", of everyone",
};

/** What a scope lets an app do, in plain words. */
export function wordsOfScope(text: string): string {
  const known = aboutPerson.get(text);
  if (known !== undefined) return known;
  const scope = parseSmartScope(text);
  if (scope === null) return text;
  const { letters, type, filter, context } = scope;
  const kind = kinds.get(type) ?? `entries of the kind ${type}`;
  const only = filter === null ? "" : ` (only ${filterWords(filter)})`;
  return `${deedsOf(letters)} ${kind}${only}${whose[context]}`;
}
