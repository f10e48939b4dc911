import { listAt, textAt, type Fields } from "#cli/ask.ts";
import { plain } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";

const words = (person: Fields, name: string): string =>
  plain(listAt(person, name).map(String).join(", "));

const grantLine = (title: string, grant: Fields): string => {
  const endsAt = textAt(grant, "endsAt");
  const until = endsAt === "" ? "" : `, until ${endsAt}`;
  const name = plain(textAt(grant, "name")) || textAt(grant, "patient");
  return `  ${title} ${name} (${textAt(grant, "kind")}, ${textAt(grant, "state")}${until})`;
};

/** One person in a few lines. */
export function personWords(person: Fields): string {
  const departments = words(person, "departments");
  const grantLines = (field: string, title: string): readonly string[] =>
    listAt(person, field)
      .filter(isRecord)
      .map((grant) => grantLine(title, grant));
  const lines = [
    `${plain(textAt(person, "displayName"))}  (${words(person, "roles")}; ${textAt(person, "status")})`,
    `  id          ${textAt(person, "id")}`,
    ...(departments === "" ? [] : [`  departments ${departments}`]),
    `  proven      ${textAt(person, "assurance")}`,
    ...grantLines("actsFor", "acts for   "),
    ...grantLines("actedForBy", "acted for by"),
  ];
  return `${lines.join("\n")}\n`;
}

/** A page of people, and how to see the next one. */
export function peopleWords(page: Fields): string {
  const items = listAt(page, "items").filter(isRecord);
  const next = textAt(page, "next");
  const shown = items.length === 0 ? "Nobody of that name.\n" : items.map(personWords).join("\n");
  return next === "" ? shown : `${shown}\nThere are more: --after ${next}\n`;
}

/** A new envelope's code, which is told this one time. */
export const sealedWords = (made: Fields): string =>
  `${plain(textAt(made, "displayName"))} is sealed. Put this code into an envelope; it is shown once and works until ${textAt(made, "endsAt")}:\n  ${textAt(made, "paperCode")}\n`;
