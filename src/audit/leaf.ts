import {
  auditActions,
  purposes,
  zones,
  type AuditDecision,
  type AuditEntry,
} from "#core/audit-entry.ts";
import { parseInstant } from "#core/clock.ts";
import { parsePseudonym } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { auditLimits } from "#audit/limits.ts";

const { textChars, listItems, leafBytes } = auditLimits;

/** Text that UTF-8 and PostgreSQL can hold; what they cannot becomes U+FFFD, so that a stranger's odd bytes are still logged. */
function cleanText(text: string): string {
  const short = text.length <= textChars ? text : `${text.slice(0, textChars - 1)}…`;
  const formed = short.isWellFormed() ? short : short.toWellFormed();
  return formed.includes("\0") ? formed.replaceAll("\0", "\uFFFD") : formed;
}

const cleanOrNull = (text: string | null): string | null =>
  text === null ? null : cleanText(text);

function cleanList(texts: readonly string[]): readonly string[] {
  return texts.length <= listItems
    ? texts.map(cleanText)
    : [...texts.slice(0, listItems - 1), "…"].map(cleanText);
}

/** Left out when empty, so that an entry from before there was such a list keeps its bytes. */
const listOrAbsent = (texts: readonly string[]): readonly string[] | undefined =>
  texts.length === 0 ? undefined : cleanList(texts);

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isCountOrNull = (value: number | null): boolean => value === null || isCount(value);

function mustFit(entry: AuditEntry): void {
  invariant(parseInstant(entry.time) !== null, "an entry's time is an Instant");
  invariant(isCount(entry.count), "an entry's count is a whole number");
  invariant(isCountOrNull(entry.resourceVersion), "a resource version is a whole number");
  invariant(isCountOrNull(entry.dekVersion), "a key version is a whole number");
  invariant(
    entry.patient === null || parsePseudonym(entry.patient) !== null,
    "an entry names its patient by pseudonym",
  );
}

/**
 * The canonical JSON (RFC 8785) of an entry, which is what the tree holds as UTF-8. Texts that are
 * too long are cut and unpaired surrogates and NUL replaced, so an entry that parseLeaf gave
 * encodes to the same bytes. Throws when a number or the pseudonym is not of its type.
 */
export function encodeLeaf(entry: AuditEntry): string {
  mustFit(entry);
  // RFC 8785 §3.2.3: members in the order of their names. Its numbers and strings are JSON.stringify's.
  const leaf = JSON.stringify({
    action: entry.action,
    actor: cleanOrNull(entry.actor),
    address: cleanOrNull(entry.address),
    categories: cleanList(entry.categories),
    ciphertextHash: cleanOrNull(entry.ciphertextHash),
    client: cleanOrNull(entry.client),
    count: entry.count,
    decided: listOrAbsent(entry.decided),
    decision: entry.decision,
    dekVersion: entry.dekVersion,
    device: cleanOrNull(entry.device),
    obligations: listOrAbsent(entry.obligations),
    patient: entry.patient,
    purpose: entry.purpose,
    reasons: cleanList(entry.reasons),
    requestId: cleanOrNull(entry.requestId),
    resourceId: cleanOrNull(entry.resourceId),
    resourceType: cleanOrNull(entry.resourceType),
    resourceVersion: entry.resourceVersion,
    role: cleanOrNull(entry.role),
    session: cleanOrNull(entry.session),
    signal: cleanOrNull(entry.signal),
    time: entry.time,
    v: entry.v,
    zone: entry.zone,
  });
  // Three bytes is the most that a UTF-16 unit takes, so most leaves need not be measured.
  invariant(
    leaf.length * 3 <= leafBytes || Buffer.byteLength(leaf) <= leafBytes,
    "an entry is no longer than a leaf may be",
  );
  return leaf;
}

type Fields = Readonly<Record<string, unknown>>;
const decisions: readonly AuditDecision[] = ["permit", "deny", "error"];

class NotALeaf extends Error {}

function textOrNull(fields: Fields, name: string): string | null {
  const value = fields[name];
  if (value === null || typeof value === "string") return value;
  throw new NotALeaf(name);
}

function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === "number" && isCount(value)) return value;
  throw new NotALeaf(name);
}

function numberOrNull(fields: Fields, name: string): number | null {
  return fields[name] === null ? null : numberOf(fields, name);
}

function texts(fields: Fields, name: string): readonly string[] {
  const value: unknown = fields[name];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new NotALeaf(name);
}

const textsOrNone = (fields: Fields, name: string): readonly string[] =>
  fields[name] === undefined ? [] : texts(fields, name);

function oneOf<T extends string>(fields: Fields, name: string, known: readonly T[]): T {
  const found = known.find((member) => member === fields[name]);
  if (found === undefined) throw new NotALeaf(name);
  return found;
}

function timeOf(fields: Fields): AuditEntry["time"] {
  const time = typeof fields["time"] === "number" ? parseInstant(fields["time"]) : null;
  if (time === null) throw new NotALeaf("time");
  return time;
}

function patientOf(fields: Fields): string | null {
  const patient = textOrNull(fields, "patient");
  if (patient !== null && parsePseudonym(patient) === null) throw new NotALeaf("patient");
  return patient;
}

function entryOf(fields: Fields): AuditEntry {
  if (fields["v"] !== 1) throw new NotALeaf("v");
  return {
    v: 1,
    time: timeOf(fields),
    action: oneOf(fields, "action", auditActions),
    decision: oneOf(fields, "decision", decisions),
    reasons: texts(fields, "reasons"),
    decided: textsOrNone(fields, "decided"),
    obligations: textsOrNone(fields, "obligations"),
    actor: textOrNull(fields, "actor"),
    role: textOrNull(fields, "role"),
    session: textOrNull(fields, "session"),
    device: textOrNull(fields, "device"),
    client: textOrNull(fields, "client"),
    zone: fields["zone"] === null ? null : oneOf(fields, "zone", zones),
    address: textOrNull(fields, "address"),
    purpose: fields["purpose"] === null ? null : oneOf(fields, "purpose", purposes),
    patient: patientOf(fields),
    resourceType: textOrNull(fields, "resourceType"),
    resourceId: textOrNull(fields, "resourceId"),
    resourceVersion: numberOrNull(fields, "resourceVersion"),
    categories: texts(fields, "categories"),
    count: numberOf(fields, "count"),
    dekVersion: numberOrNull(fields, "dekVersion"),
    ciphertextHash: textOrNull(fields, "ciphertextHash"),
    requestId: textOrNull(fields, "requestId"),
    signal: textOrNull(fields, "signal"),
  };
}

/**
 * Reads a leaf whose bytes are known to be those that were written, as its hash tells. Null when
 * they are no entry. It is not held against the canonical form: parseLeaf does that.
 */
export function readLeaf(bytes: Buffer): AuditEntry | null {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? entryOf(value as Fields) : null;
  } catch (error) {
    if (error instanceof NotALeaf || error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * Reads the bytes of a leaf. Null unless they are exactly what encodeLeaf writes: an unknown
 * member, another order, a space too many or a text that is too long is no leaf of this log.
 */
export function parseLeaf(bytes: Buffer): AuditEntry | null {
  const entry = readLeaf(bytes);
  return entry !== null && Buffer.from(encodeLeaf(entry)).equals(bytes) ? entry : null;
}
