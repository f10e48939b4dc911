/**
 * Kinds of data that the law or good sense guards more closely, and how a resource shows that it
 * is one: by a security label that its author set, or by what its codes say. The code lists are a
 * beginning, not a terminology: they hold the codes met most, as whole codes or as the beginnings
 * of ICD-10-CM chapters, and an organisation's own labels in meta.security always count besides.
 *
 * Sources: security codes from HL7 v3 ActCode, InformationSensitivityPolicy; ICD-10-CM chapters
 * F10–F19, B20, Z21, O00–O9A, Z30–Z39; SNOMED CT and LOINC codes by their published names.
 */
export interface Sensitivity {
  readonly label: string;
  /** What makes the kind a kind of its own. */
  readonly cite: string;
  /** HL7 v3 ActCode codes in meta.security. */
  readonly securityCodes: readonly string[];
  readonly codes: readonly { readonly system: string; readonly values: readonly string[] }[];
  /** Beginnings of codes. */
  readonly prefixes: readonly { readonly system: string; readonly values: readonly string[] }[];
}

const snomed = "http://snomed.info/sct";
const loinc = "http://loinc.org";
const icd10cm = "http://hl7.org/fhir/sid/icd-10-cm";

const psychotherapy: Sensitivity = {
  label: "psychotherapy",
  cite: "45 CFR 164.501, 164.508(a)(2)",
  // Notes kept apart from the record are known by their author's label only: a code for a visit or
  // a diagnosis is part of the record, which 164.501 leaves out of the notes.
  securityCodes: ["PSYTHPN"],
  codes: [],
  prefixes: [],
};

const substanceUse: Sensitivity = {
  label: "substance-use",
  cite: "42 CFR Part 2",
  securityCodes: ["42CFRPart2", "ETH", "SUD", "ETHUD", "OPIOIDUD"],
  codes: [
    {
      system: snomed,
      values: [
        "5602001", // opioid abuse
        "7200002", // alcoholism
        "15167005", // alcohol abuse
        "55680006", // drug overdose
        "56876005", // drug rehabilitation and detoxification
        "60112009", // drug addiction counselling
        "61480009", // drug detoxification
        "191816009", // drug dependence
        "266707007", // drug addiction therapy
        "313071005", // counselling for substance abuse
        "408935001", // substance abuse prevention education
        "408936000", // substance abuse prevention management
      ],
    },
  ],
  prefixes: [
    { system: icd10cm, values: ["F10", "F11", "F12", "F13", "F14", "F15", "F16", "F18", "F19"] },
  ],
};

const hiv: Sensitivity = {
  label: "hiv",
  cite: "State confidentiality laws on HIV, e.g. N.Y. Public Health Law art. 27-F",
  securityCodes: ["HIV"],
  codes: [
    {
      system: snomed,
      values: [
        "62479008", // AIDS
        "86406008", // HIV infection
        "165816005", // HIV positive
      ],
    },
    {
      system: loinc,
      values: [
        "20447-9", // HIV 1 RNA, viral load
        "55277-8", // HIV status
        "56888-1", // HIV 1+2 antibody and antigen
        "75622-1", // HIV 1 and 2 tests
      ],
    },
  ],
  prefixes: [{ system: icd10cm, values: ["B20", "O98.7", "R75", "Z21"] }],
};

const reproductive: Sensitivity = {
  label: "reproductive",
  cite: "State shield laws, e.g. Cal. Civ. Code 56.108",
  securityCodes: ["SEX"],
  codes: [
    {
      system: snomed,
      values: [
        "10383002", // counselling for termination of pregnancy
        "19169002", // miscarriage in first trimester
        "46706006", // replacement of intrauterine contraceptive device
        "65200003", // insertion of intrauterine contraceptive device
        "72892002", // normal pregnancy
        "79586000", // tubal pregnancy
        "169553002", // insertion of subcutaneous contraceptive
        "252160004", // standard pregnancy test
        "301807007", // removal of subcutaneous contraceptive
        "386394001", // pregnancy termination care
        "714812005", // induced termination of pregnancy
        "755621000000101", // replacement of subcutaneous contraceptive
      ],
    },
  ],
  prefixes: [{ system: icd10cm, values: ["O", "Z30", "Z31", "Z32", "Z33", "Z34", "Z36", "Z3A"] }],
};

const mentalHealth: Sensitivity = {
  label: "mental-health",
  cite: "State mental health confidentiality laws, e.g. 740 ILCS 110",
  securityCodes: ["MH", "PSY", "BH"],
  codes: [{ system: snomed, values: ["79094001"] }], // initial psychiatric interview
  prefixes: [{ system: icd10cm, values: ["F2", "F3", "F4", "F5", "F6"] }],
};

const violence: Sensitivity = {
  label: "violence",
  cite: "45 CFR 164.510(b), 164.512(c)",
  securityCodes: ["SDV", "MST", "VIO"],
  codes: [],
  prefixes: [{ system: icd10cm, values: ["T74", "T76"] }],
};

const minorsOwn: Sensitivity = {
  label: "minor-confidential",
  cite: "45 CFR 164.502(g)(3), State laws on minors' consent (unverified)",
  // Whether a minor may consent by herself depends on State and service: who treats her marks it.
  securityCodes: ["ADOL"],
  codes: [],
  prefixes: [],
};

export const sensitivities: readonly Sensitivity[] = [
  psychotherapy,
  substanceUse,
  hiv,
  reproductive,
  mentalHealth,
  violence,
  minorsOwn,
];

/** The label of what its author marked as confidential beyond the normal (v3 Confidentiality R, V). */
export const restrictedLabel = "restricted";
