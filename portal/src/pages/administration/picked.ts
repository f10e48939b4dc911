import type { Choice } from "../../design/fields.tsx";
import { words } from "../../words/en.ts";

const { roles } = words.administration;

/** Roles that an administrator gives; who acts for others is granted that with a ground. */
const picked = [
  "patient",
  "clinician",
  "privacy-officer",
  "security-operator",
  "administrator",
] as const;

export type PickedRole = (typeof picked)[number];

export const roleChoices: readonly Choice<PickedRole>[] = picked.map((value) => ({
  value,
  name: roles[value],
}));

export const isPicked = (role: string): role is PickedRole =>
  picked.some((known) => known === role);

/** The texts between commas, each once. */
export function textsIn(typed: string): readonly string[] {
  const texts = typed.split(",").map((each) => each.trim());
  return [...new Set(texts.filter((each) => each !== ""))];
}
