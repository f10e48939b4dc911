import { scanJson, spliceJson, type ScannedJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import type { ResourceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";

/** R4 §8.1.4: how one Patient stands to another of the same person. */
export type LinkKind = "replaces" | "replaced-by";

export interface Link {
  readonly other: ResourceId;
  readonly kind: LinkKind;
}

const linkText = ({ other, kind }: Link): string =>
  JSON.stringify({ other: { reference: `Patient/${other}` }, type: kind });

// What is edited was stored by us, so that it was scanned before.
function scanned(text: string): ScannedJson {
  const found = scanJson(text, limits.jsonDepth);
  invariant(found.ok, "a stored resource is JSON");
  return found.value;
}

function valueOf(text: string, key: string): string | null {
  const span = scanned(text).topLevel.get(key);
  return span === undefined ? null : text.slice(span.start, span.end);
}

/** Takes a top-level key out, with the comma that parted it from its neighbour. */
function withoutKey(text: string, key: string): string {
  const { topLevel } = scanned(text);
  const span = topLevel.get(key);
  if (span === undefined) return text;
  const after = /^\s*,/.exec(text.slice(span.end));
  if (after !== null) return text.slice(0, span.keyStart) + text.slice(span.end + after[0].length);
  const before = /,?\s*$/.exec(text.slice(0, span.keyStart));
  return text.slice(0, span.keyStart - (before?.[0].length ?? 0)) + text.slice(span.end);
}

const withKey = (text: string, key: string, json: string): string =>
  spliceJson(text, scanned(text), { [key]: json });

/** A Patient's text with one more link; every other character as it was. */
export function withLink(text: string, link: Link): string {
  const links = valueOf(text, "link");
  if (links === null) return withKey(text, "link", `[${linkText(link)}]`);
  const end = links.trimEnd().length - 1;
  const body = links.slice(0, end).trimEnd();
  return withKey(text, "link", `${body},${linkText(link)}${links.slice(body.length)}`);
}

/** Whether an element of `Patient.link` is this link, as `withLink` writes it. */
export function isLink(value: unknown, { other, kind }: Link): boolean {
  if (!isObject(value) || value.type !== kind || !isObject(value.other)) return false;
  return value.other.reference === `Patient/${other}`;
}

/**
 * A Patient's text without that link; as it was before `withLink` to the character, unless somebody
 * has written the links anew since: then those that are left are.
 */
export function withoutLink(text: string, link: Link): string {
  const links = valueOf(text, "link");
  if (links === null) return text;
  const kept = listOf(JSON.parse(links)).filter((each) => !isLink(each, link));
  if (kept.length === 0) return withoutKey(text, "link");
  const ours = `,${linkText(link)}`;
  const at = links.lastIndexOf(ours);
  if (at !== -1) return withKey(text, "link", links.slice(0, at) + links.slice(at + ours.length));
  return withKey(text, "link", JSON.stringify(kept));
}

/** The text of `active`; null where the Patient does not say. */
export const activeOf = (text: string): string | null => valueOf(text, "active");

/** A Patient's text with `active` as given; null takes it out. */
export function withActive(text: string, active: string | null): string {
  return active === null ? withoutKey(text, "active") : withKey(text, "active", active);
}
