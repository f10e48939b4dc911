import type {
  AccessDeed,
  AccessRequestLine,
  AccessRequestState,
  AccessRequestWords,
  CopyMade,
} from "../../../src/core/wire.ts";
import { at, list, number, readEach, text } from "../fhir/json.ts";
import { roles } from "../session/roles.ts";

const forms = ["fhir", "ndjson", "web-page", "pdf"] as const satisfies readonly CopyMade["form"][];

/** Reads the answer to POST /api/records/exports; null when it names no copy. */
export function readCopy(body: unknown): CopyMade | null {
  const id = text(at(body, "id"));
  const fileName = text(at(body, "fileName"));
  const bytes = number(at(body, "bytes"));
  const form = forms.find((known) => known === at(body, "form"));
  if (id === null || fileName === null || bytes === null || form === undefined) return null;
  const resources = number(at(body, "resources")) ?? 0;
  return { id, form, bytes, resources, fileName, endsAt: text(at(body, "endsAt")) ?? "" };
}

function readDeed(value: unknown): AccessDeed {
  return {
    at: text(at(value, "at")) ?? "",
    role: roles.find((known) => known === at(value, "role")) ?? null,
    byYou: at(value, "byYou") === true,
  };
}

function readState(value: unknown): AccessRequestState | null {
  const deed = readDeed(value);
  switch (at(value, "state")) {
    case "open":
      return { state: "open" };
    case "fulfilled":
      return { ...deed, state: "fulfilled", how: text(at(value, "how")) ?? "" };
    case "denied": {
      const grounds = list(at(value, "grounds")).map((each) => ({
        ground: text(at(each, "ground")) ?? "",
        cite: text(at(each, "cite")) ?? "",
        reviewable: at(each, "reviewable") === true,
      }));
      const reason = text(at(value, "reason")) ?? "";
      return { ...deed, state: "denied", grounds, reason, inPart: at(value, "inPart") === true };
    }
    case "withdrawn":
      return { ...deed, state: "withdrawn" };
    default:
      return null;
  }
}

function readWords(value: unknown): AccessRequestWords | null {
  const now = readState(at(value, "now"));
  const patient = text(at(value, "patient"));
  if (now === null || patient === null) return null;
  const extension = at(value, "extension");
  const until = text(at(extension, "until"));
  return {
    patient,
    now,
    name: text(at(value, "name")),
    birthDate: text(at(value, "birthDate")),
    asked: readDeed(at(value, "asked")),
    wants: text(at(value, "wants")) ?? "",
    form: text(at(value, "form")) ?? "",
    sendTo: text(at(value, "sendTo")),
    extension:
      until === null
        ? null
        : { ...readDeed(extension), until, reason: text(at(extension, "reason")) ?? "" },
  };
}

/** Reads one request; null when it has no name, version or days. */
export function readRequest(value: unknown): AccessRequestLine | null {
  const [id, askedOn, dueOn] = ["id", "askedOn", "dueOn"].map((key) => text(at(value, key)));
  const version = number(at(value, "version"));
  if (id === undefined || id === null || version === null) return null;
  if (askedOn === undefined || askedOn === null || dueOn === undefined || dueOn === null)
    return null;
  const isOpen = at(value, "isOpen") === true;
  return { id, version, askedOn, dueOn, isOpen, request: readWords(at(value, "request")) };
}

/** Reads GET /api/records/access-requests. */
export function readRequests(body: unknown): readonly AccessRequestLine[] {
  return readEach(list(at(body, "requests")), readRequest);
}
