import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import {
  requestForms,
  type AccessRequest,
  type Act,
  type RequestForm,
} from "#records/access-requests/request.ts";
import { parseGround, type DenialGround } from "#records/access-requests/rule.ts";

export const requestLimits = {
  /** Characters of one text that a person writes. */
  textCharacters: 4_000,
  bodyBytes: 64 * 1024,
  /** Requests of one patient that wait for an answer. */
  openPerPatient: 10,
  /** Lines of the register in one answer. */
  registerLines: 200,
} as const;

export interface Asked {
  readonly patient: ResourceId;
  readonly wants: string;
  readonly form: RequestForm;
  readonly sendTo: string | null;
}

const invalid = (at: string, detail: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at, detail });

// Line breaks and tabs are writing; other control characters are not.
const written = /^[\t\n\r\u0020-\u007e\u00a0-\uffff]+$/;

function textIn(body: Readonly<Record<string, unknown>>, name: string): Result<string> {
  const value = body[name];
  const text = typeof value === "string" ? value.trim() : "";
  const fits = text.length <= requestLimits.textCharacters && text.isWellFormed();
  return written.test(text) && fits
    ? ok(text)
    : invalid(name, `is a text of 1 to ${requestLimits.textCharacters} characters`);
}

/** The body of a new request; fails as "parameter-invalid", naming what is wrong. */
export function parseAsked(body: unknown): Result<Asked> {
  if (!isRecord(body)) return invalid("body", "is an object");
  const patient = typeof body["patient"] === "string" ? parseResourceId(body["patient"]) : null;
  if (patient === null) return invalid("patient", "is the id of a Patient");
  const form = requestForms.find((known) => known === body["form"]);
  if (form === undefined) return invalid("form", `is one of ${requestForms.join(", ")}`);
  const wants = textIn(body, "wants");
  if (!wants.ok) return wants;
  const { sendTo = null } = body;
  const target = sendTo === null ? ok(null) : textIn(body, "sendTo");
  return target.ok ? ok({ patient, form, wants: wants.value, sendTo: target.value }) : target;
}

function groundsIn(value: unknown): readonly DenialGround[] | null {
  const grounds = Array.isArray(value) ? value.map(parseGround) : [];
  const known = grounds.filter((each) => each !== null);
  return known.length === 0 || known.length !== grounds.length ? null : [...new Set(known)];
}

function actIn(body: Readonly<Record<string, unknown>>): Result<Act> {
  switch (body["act"]) {
    case "withdraw":
      return ok({ act: "withdraw" });
    case "extend": {
      const reason = textIn(body, "reason");
      return reason.ok ? ok({ act: "extend", reason: reason.value }) : reason;
    }
    case "fulfil": {
      const how = textIn(body, "how");
      return how.ok ? ok({ act: "fulfil", how: how.value }) : how;
    }
    case "deny": {
      const reason = textIn(body, "reason");
      if (!reason.ok) return reason;
      const grounds = groundsIn(body["grounds"]);
      if (grounds === null) return invalid("grounds", "names one ground or more of the law");
      return ok({ act: "deny", reason: reason.value, grounds, inPart: body["inPart"] === true });
    }
    default:
      return invalid("act", "is extend, fulfil, deny or withdraw");
  }
}

/** The body of an act on a request: what is done, and to which version. */
export function parseAct(body: unknown): Result<{ readonly act: Act; readonly version: number }> {
  if (!isRecord(body)) return invalid("body", "is an object");
  const { version } = body;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1)
    return invalid("version", "is the version that was read");
  const act = actIn(body);
  return act.ok ? ok({ act: act.value, version }) : act;
}

/** What we sealed, we had made; the seal shows that it is what we sealed. */
export function parseSealed(text: string): AccessRequest {
  const value: unknown = JSON.parse(text);
  invariant(isRecord(value) && isRecord(value["now"]), "a sealed request is a request");
  return value as unknown as AccessRequest;
}
