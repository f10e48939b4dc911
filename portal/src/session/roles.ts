import type { Me } from "../../../src/core/wire.ts";

/** Every role that a person can have, as the server names them. */
export const roles = [
  "patient",
  "proxy",
  "clinician",
  "privacy-officer",
  "security-operator",
  "administrator",
  "service",
] as const satisfies readonly Me["roles"][number][];
