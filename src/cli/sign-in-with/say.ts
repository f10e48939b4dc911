import { plain } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";

type Fields = Readonly<Record<string, unknown>>;

const textAt = (value: Fields, name: string): string => {
  const text = value[name];
  return typeof text === "string" ? text : "";
};

const rowsAt = (value: Fields, name: string): readonly Fields[] => {
  const rows: unknown = value[name];
  return Array.isArray(rows) ? rows.filter(isRecord) : [];
};

function assuranceWords(assurance: unknown): string {
  if (!isRecord(assurance)) return "";
  const { kind, values } = assurance;
  if (kind === "vouched") return "two factors by your word";
  return `${kind === "acr" ? "acr" : "amr"} ${Array.isArray(values) ? values.join(" or ") : ""}`;
}

const providerLines = (provider: Fields): string =>
  [
    `${textAt(provider, "id")}  "${textAt(provider, "label")}"`,
    `  issuer     ${textAt(provider, "issuer")}`,
    `  client id  ${textAt(provider, "clientId")}`,
    `  asks for   ${assuranceWords(provider["assurance"])}`,
    `  each time  ${provider["sso"] === true ? "no, an open sign-in there is enough" : "yes"}`,
  ].join("\n");

const waitingLine = (person: Fields): string =>
  `  ${textAt(person, "reference")}  ${plain(textAt(person, "name"))} <${plain(textAt(person, "email"))}>  at ${textAt(person, "provider")}, subject ${plain(textAt(person, "sub"))}, until ${textAt(person, "expiresAt")}`;

const linkLine = (link: Fields): string =>
  `  ${textAt(link, "account")}  is ${plain(textAt(link, "sub"))} at ${textAt(link, "provider")}, since ${textAt(link, "approvedAt")}`;

/** The providers, who waits for an approval, and the links there are, in lines for a person. */
export function listWords(value: unknown): string {
  const found = isRecord(value) ? value : {};
  const providers = rowsAt(found, "providers");
  const waiting = rowsAt(found, "waiting");
  const linked = rowsAt(found, "linked");
  if (providers.length === 0) return "Staff sign in here alone: no other house is set up.\n";
  const parts = [
    ...providers.map(providerLines),
    ...(waiting.length === 0 ? [] : ["Waiting for your approval:", ...waiting.map(waitingLine)]),
    ...(linked.length === 0 ? [] : ["Linked:", ...linked.map(linkLine)]),
  ];
  return `${parts.join("\n")}\n`;
}

/** What to tell the other house about us. */
export function addedWords(value: unknown): string {
  const redirectUri = isRecord(value) ? textAt(value, "redirectUri") : "";
  return `Staff can sign in there once you have registered this address with it, as a redirect URI:\n  ${redirectUri}\n`;
}
