import table from "#policies/sensitivities.json" with { type: "json" };

/**
 * Kinds of data that the law or good sense guards more closely, and how a resource shows that it
 * is one: by a security label that its author set, or by what its codes say. The code lists are a
 * beginning, not a terminology: they hold the codes met most, as whole codes or as the beginnings
 * of ICD-10-CM chapters, and an organisation's own labels in meta.security always count besides.
 */
export interface Sensitivity {
  readonly label: string;
  /** What makes the kind a kind of its own. */
  readonly cite: string;
  /** HL7 v3 ActCode codes (InformationSensitivityPolicy) in meta.security. */
  readonly securityCodes: readonly string[];
  readonly codes: readonly {
    readonly system: string;
    readonly source: string;
    /** Each code with its name. */
    readonly values: readonly (readonly string[])[];
  }[];
  /** Beginnings of codes. */
  readonly prefixes: readonly { readonly system: string; readonly values: readonly string[] }[];
}

/** The table that is kept, and reviewed, with the policies. */
export const sensitivities: readonly Sensitivity[] = table;

/** HL7 v3 ActCode, whose InformationSensitivityPolicy codes name a sensitivity. */
export const actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/** The label of what its author marked as confidential beyond the normal (v3 Confidentiality R, V). */
export const restrictedLabel = "restricted";
