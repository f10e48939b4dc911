import type { AuditAction } from "#core/audit-entry.ts";

export interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

/** How one of our actions is told in an AuditEvent. */
export interface EventKind {
  readonly type: Coding;
  readonly subtype: Coding;
  /** R4 audit-event-action: create, read, update, delete, execute. */
  readonly action: "C" | "R" | "U" | "D" | "E";
  /** The profile of IHE BALP that an entry of it follows when all that it asks for is known. */
  readonly balp: "Read" | "Create" | "Update" | null;
}

export const dicom = "http://dicom.nema.org/resources/ontology/DCM";
/** Our actions that no standard names. */
export const ownActions = "urn:phylax:audit-action";

const rest: Coding = {
  system: "http://terminology.hl7.org/CodeSystem/audit-event-type",
  code: "rest",
  display: "Restful Operation",
};

const dcm = (code: string, display: string): Coding => ({ system: dicom, code, display });

const interaction = (code: string): Coding => ({
  system: "http://hl7.org/fhir/restful-interaction",
  code,
  display: code,
});

const own = (code: AuditAction): Coding => ({ system: ownActions, code, display: code });

const restful = (
  code: string,
  action: EventKind["action"],
  balp: EventKind["balp"] = null,
): EventKind => ({ type: rest, subtype: interaction(code), action, balp });

const operation = (code: AuditAction, action: EventKind["action"]): EventKind => ({
  type: rest,
  subtype: own(code),
  action,
  balp: null,
});

const event = (
  code: AuditAction,
  type: Coding,
  action: EventKind["action"] = "E",
  subtype = own(code),
): EventKind => ({ type, subtype, action, balp: null });

const application = dcm("110100", "Application Activity");
const security = dcm("110113", "Security Alert");
const authentication = dcm("110114", "User Authentication");
const keys: Coding = { system: ownActions, code: "keys", display: "Use of keys" };

export const eventKinds: Readonly<Record<AuditAction, EventKind>> = {
  read: restful("read", "R", "Read"),
  vread: restful("vread", "R", "Read"),
  history: restful("history-instance", "R"),
  search: restful("search-type", "E"),
  create: restful("create", "C", "Create"),
  update: restful("update", "U", "Update"),
  delete: restful("delete", "D"),
  transaction: restful("transaction", "E"),
  import: event("import", dcm("110107", "Import"), "C"),
  export: event("export", dcm("110106", "Export"), "R"),
  match: operation("match", "E"),
  merge: operation("merge", "U"),
  unmerge: operation("unmerge", "U"),
  "access-request": operation("access-request", "E"),
  "break-glass": event("break-glass", dcm("110127", "Emergency Override Started")),
  "break-glass-close": event("break-glass-close", dcm("110138", "Emergency Override Stopped")),
  "break-glass-review": operation("break-glass-review", "E"),
  "package-install": event("package-install", application, "U"),
  "app-change": event("app-change", application, "U"),
  "access-log": event("access-log", dcm("110101", "Audit Log Used"), "R"),
  "sign-in": event("sign-in", authentication, "E", dcm("110122", "Login")),
  "sign-out": event("sign-out", authentication, "E", dcm("110123", "Logout")),
  token: event("token", authentication),
  enrol: event("enrol", authentication, "C"),
  "account-change": event("account-change", dcm("110137", "User Security Attributes Changed"), "U"),
  administer: event("administer", dcm("110137", "User Security Attributes Changed"), "U"),
  unwrap: event("unwrap", keys),
  "key-create": event("key-create", keys, "C"),
  "key-rotate": event("key-rotate", keys, "U"),
  "key-reseal": event("key-reseal", keys, "U"),
  "key-shred": event("key-shred", keys, "D"),
  "key-move": event("key-move", keys, "U"),
  "key-backup": event("key-backup", keys),
  "key-restore": event("key-restore", keys, "U"),
  "key-escrow": event("key-escrow", keys),
  "key-reindex": event("key-reindex", keys, "U"),
  start: event("start", application, "E", dcm("110120", "Application Start")),
  signal: event("signal", security),
};
