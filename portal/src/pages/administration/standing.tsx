import type { Me } from "../../../../src/core/wire.ts";
import type { Person } from "../../administration/read.ts";
import { Badge } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { people, roles } = words.administration;

const tones = {
  active: "ok",
  suspended: "high",
  left: "plain",
  sealed: "low",
  opened: "danger",
  "to-be-sealed": "high",
} as const;

/** How the account stands, in a word. */
export function StatusBadge({ status }: Pick<Person, "status">) {
  return <Badge tone={tones[status]}>{people.states[status]}</Badge>;
}

/** What the person is here, as one text. */
export function roleNames(held: Me["roles"]): string {
  return words.joinList(held.map((role) => roles[role]));
}
