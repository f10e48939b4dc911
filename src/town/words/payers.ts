/** Who pays: our own names for the kinds of cover people have. */
export interface Payer {
  readonly name: string;
  /** HL7 v3 ActCode of the kind of cover. */
  readonly code: string;
  readonly display: string;
}

export const payers: readonly Payer[] = [
  { name: "Medicare (sample)", code: "RETIRE", display: "retiree health program" },
  { name: "State Medicaid (sample)", code: "SUBSIDIZ", display: "subsidized health program" },
  { name: "Lighthouse Mutual", code: "EHCPOL", display: "extended healthcare" },
  { name: "Northern Oak Health Plan", code: "EHCPOL", display: "extended healthcare" },
  { name: "Riverstone Employee Benefit Trust", code: "EHCPOL", display: "extended healthcare" },
];
