import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { EmergencyFinding } from "#core/wire.ts";
import type { Act, EmergencyOpening } from "#records/break-glass/opening.ts";
import { breakGlassLimits } from "#records/break-glass/rules.ts";

export interface Asked {
  readonly patient: ResourceId;
  readonly reason: string;
}

const findings = [
  "justified",
  "not-justified",
  "to-follow-up",
] as const satisfies readonly EmergencyFinding[];

const invalid = (at: string, detail: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at, detail });

// Line breaks and tabs are writing; other control characters are not.
const written = /^[\t\n\r\u0020-\u007e\u00a0-\uffff]+$/;

function textIn(
  body: Readonly<Record<string, unknown>>,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): Result<string> {
  const value = body[name];
  const text = typeof value === "string" ? value.trim() : "";
  const fits = text.length >= least && text.length <= most && text.isWellFormed();
  return fits && written.test(text)
    ? ok(text)
    : invalid(name, `is a text of ${least} to ${most} characters`);
}

/** The body that opens a chart; fails as "parameter-invalid", naming what is wrong. */
export function parseAsked(body: unknown): Result<Asked> {
  if (!isRecord(body)) return invalid("body", "is an object");
  const patient = typeof body["patient"] === "string" ? parseResourceId(body["patient"]) : null;
  if (patient === null) return invalid("patient", "is the id of a Patient");
  const reason = textIn(body, "reason", breakGlassLimits.reasonCharacters);
  return reason.ok ? ok({ patient, reason: reason.value }) : reason;
}

function actIn(body: Readonly<Record<string, unknown>>): Result<Act> {
  switch (body["act"]) {
    case "close":
      return ok({ act: "close" });
    case "review": {
      const finding = findings.find((known) => known === body["finding"]);
      if (finding === undefined) return invalid("finding", `is one of ${findings.join(", ")}`);
      const words = textIn(body, "words", breakGlassLimits.reviewCharacters);
      return words.ok ? ok({ act: "review", finding, words: words.value }) : words;
    }
    default:
      return invalid("act", "is close or review");
  }
}

/** The body of an act on an opening: what is done, and to which version. */
export function parseAct(body: unknown): Result<{ readonly act: Act; readonly version: number }> {
  if (!isRecord(body)) return invalid("body", "is an object");
  const { version } = body;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1)
    return invalid("version", "is the version that was read");
  const act = actIn(body);
  return act.ok ? ok({ act: act.value, version }) : act;
}

/** What we sealed, we had made; the seal shows that it is what we sealed. */
export function parseSealed(text: string): EmergencyOpening {
  const value: unknown = JSON.parse(text);
  invariant(isRecord(value) && isRecord(value["person"]), "a sealed opening is an opening");
  return value as unknown as EmergencyOpening;
}
