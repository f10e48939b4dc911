/** A process, or an operator's command, that proves its role by its certificate. */
export const processRoles = ["gateway", "identity", "records", "keys", "operator"] as const;
export type ProcessRole = (typeof processRoles)[number];

/** The callers that each listening process lets in; who is not named is refused at the handshake. */
export const acceptedCallers = {
  gateway: [],
  identity: ["gateway", "operator", "records"],
  records: ["gateway", "operator"],
  keys: ["records", "identity", "operator"],
} as const satisfies Record<Exclude<ProcessRole, "operator">, readonly ProcessRole[]>;

export function parseProcessRole(text: string): ProcessRole | null {
  return processRoles.find((role) => role === text) ?? null;
}
