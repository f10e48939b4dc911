import assert from "node:assert/strict";
import { test } from "node:test";
import type { FoundEntry } from "#audit/queries.ts";
import { auditActions, auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import { parseInstant, type Instant } from "#core/clock.ts";
import { parseResourceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import {
  auditEvent,
  eventId,
  parseEventId,
  type Audience,
  type EventFacts,
} from "#records/audit-view/audit-event.ts";
import { parseResource } from "#records/fhir/parse.ts";

const at = parseInstant(Date.parse("2026-05-05T12:00:00.123Z")) as Instant;
const pseudonym = "11111111-2222-4333-8444-555555555555";
const account = "22222222-2222-4333-8444-555555555555";
const practitioner = parseResourceId("bea");
const patient = parseResourceId("ana");
invariant(practitioner !== null && patient !== null, "constants are ids");

const facts = (audience: Audience): EventFacts => ({
  audience,
  patientOf: () => (audience === "system" ? null : patient),
  makerOf: () => ({ name: "Dr. Bea", practitioner }),
  publicOrigin: "https://phylax.example",
});

function found(changed: Partial<AuditEntry>): FoundEntry {
  const entry = auditEntry({
    time: at,
    action: "read",
    decision: "permit",
    actor: account,
    role: "clinician",
    client: "phylax-portal",
    device: "33333333-2222-4333-8444-555555555555",
    session: "44444444-2222-4333-8444-555555555555",
    zone: "internet",
    address: "192.0.2.7",
    purpose: "TREAT",
    patient: pseudonym,
    reasons: ["clinician-care-team"],
    resourceType: "Observation",
    resourceId: "weight",
    resourceVersion: 2,
    categories: ["Observation"],
    count: 1,
    requestId: "55555555-2222-4333-8444-555555555555",
    ...changed,
  });
  return { entry, place: { origin: "phylax/records", index: 7 }, logId: 3 };
}

test("every action, decision and audience makes an AuditEvent that follows R4", () => {
  for (const action of auditActions)
    for (const decision of ["permit", "deny", "error"] as const)
      for (const audience of ["patient", "officer", "system"] as const)
        for (const known of [{}, { resourceId: null, client: null, address: null, actor: null }]) {
          const text = JSON.stringify(
            auditEvent(found({ action, decision, ...known }), facts(audience)),
          );
          const parsed = parseResource(text, {});
          assert.ok(parsed.ok, `${action} ${JSON.stringify(parsed)} ${text}`);
        }
});

test("a read is told as BALP's PatientRead: who, with what, of whose record, which resource", () => {
  const event = auditEvent(found({}), facts("officer"));
  assert.deepEqual(event.meta?.profile, [
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead",
  ]);
  assert.equal(event.action, "R");
  assert.equal(event.outcome, "0");
  assert.equal(event.recorded, "2026-05-05T12:00:00.123Z");
  const [user, client, server] = event.agent ?? [];
  assert.equal(user?.who?.reference, "Practitioner/bea");
  assert.equal(user?.requestor, true);
  assert.deepEqual(user?.policy, ["urn:phylax:policy:clinician-care-team"]);
  assert.equal(client?.type?.coding?.[0]?.code, "110152");
  assert.deepEqual(client?.network, { address: "192.0.2.7", type: "2" });
  assert.equal(server?.type?.coding?.[0]?.code, "110153");
  assert.equal(event.entity?.[0]?.what?.reference, "Patient/ana");
  assert.equal(event.entity?.[1]?.what?.reference, "Observation/weight/_history/2");
});

test("a patient is told who looked, but no address, account or reason", () => {
  const denied = found({ decision: "deny", reasons: ["forbidden"] });
  for (const each of [found({}), denied]) {
    const text = JSON.stringify(auditEvent(each, facts("patient")));
    assert.ok(text.includes("Dr. Bea"));
    for (const secret of ["192.0.2.7", account, "forbidden", "clinician-care-team"])
      assert.ok(!text.includes(secret), secret);
  }
});

test("who keeps the system sees no patient but by pseudonym, and no resource by its id", () => {
  const text = JSON.stringify(
    auditEvent(found({ resourceType: "Patient", resourceId: "ana" }), facts("system")),
  );
  assert.ok(text.includes(pseudonym));
  assert.ok(!text.includes("Patient/") && !text.includes('"ana"') && !text.includes("weight"));
});

test("what was refused or failed is told as such, and never as a success after BALP", () => {
  const denied = auditEvent(found({ decision: "deny", reasons: ["forbidden"] }), facts("officer"));
  assert.equal(denied.outcome, "4");
  assert.equal(denied.outcomeDesc, "forbidden");
  assert.equal(denied.meta?.profile, undefined);
  assert.equal(auditEvent(found({ decision: "error" }), facts("officer")).outcome, "8");
});

test("the id of an AuditEvent is the place of its entry, and no other id is read as one", () => {
  assert.deepEqual(parseEventId(eventId(found({}))), { logId: 3, seq: 7 });
  for (const other of ["", "e-3", "e-0-7", "e-3-7-1", "e-3-x", "w-3-7", "e-3-1234567890123456"])
    assert.equal(parseEventId(other), null, other);
});
