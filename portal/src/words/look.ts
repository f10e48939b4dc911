import { deedOf, type Look } from "../log/readings.ts";
import { words } from "./en.ts";
import { kindsWords } from "./kinds.ts";

const { access } = words;

/** What was done, or tried, in one short sentence. */
export function deedWords({
  action,
  kinds,
  decision,
}: Pick<Look, "action" | "kinds" | "decision">) {
  const said = decision === "permit" ? access.deeds : access.tries;
  return said[deedOf(action)](kindsWords(kinds));
}

const roles: ReadonlyMap<string, string> = new Map(Object.entries(access.roles));
const purposes: ReadonlyMap<string, string> = new Map(Object.entries(access.purposes));

/** The role of whoever looked, where it says more than the name does. */
export function roleWords({ who, role }: Pick<Look, "who" | "role">): string | null {
  return who === access.you || role === null ? null : (roles.get(role) ?? null);
}

/** Why; one's own reading needs no reason. */
export function purposeWords({ who, purpose }: Pick<Look, "who" | "purpose">): string | null {
  return who === access.you || purpose === null ? null : (purposes.get(purpose) ?? null);
}
