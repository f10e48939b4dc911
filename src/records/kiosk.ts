import type { IncomingMessage } from "node:http";
import type { Resource } from "@medplum/fhirtypes";
import { parseResourceId, parseResourceType } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { Refusal } from "#records/door.ts";
import type { RecordStore } from "#records/store.ts";
import type { Touch, Visit } from "#records/visit.ts";
import type { Compartment } from "#vault/vault.ts";

const intakePath = "/fhir/QuestionnaireResponse";

/** By which a create would tell of what is there, or write something beside it. */
const barredHeaders = ["if-none-exist", "if-match", "if-none-match", "x-provenance"] as const;

function isPlainIntake({ method, url, headers }: IncomingMessage): boolean {
  const isCreate = method === "POST" && url === intakePath;
  return isCreate && barredHeaders.every((name) => headers[name] === undefined);
}

/**
 * Bars a kiosk from everything but one plain create of an intake form, before anything is looked
 * at: whether a place exists, a search finds or a condition holds would tell of the record. What it
 * is let do is answered without a body, whatever it prefers (FHIR R4 http.html §3.1.0.1.1). Null
 * for all others, and for that create, about which policy is still asked.
 */
export function barKiosk(
  { caller }: Visit,
  { request, intent }: { readonly request: IncomingMessage; readonly intent: Touch },
): Refusal | null {
  const { roles, kioskVisit } = caller.live;
  if (kioskVisit === null && !roles.includes("kiosk")) return null;
  request.headers["prefer"] = "return=minimal";
  if (isPlainIntake(request)) return null;
  const found = problem("forbidden");
  const reasons = [found.code, "kiosk"];
  return { kind: "refused", problem: found, decision: "deny", reasons, touch: intent };
}

function encounterOf(value: Resource): string | null {
  if (value.resourceType !== "QuestionnaireResponse") return null;
  const reference = value.encounter?.reference ?? "";
  return reference.startsWith("Encounter/") ? reference.slice("Encounter/".length) : null;
}

/**
 * FHIR id of the Encounter that a kiosk's form is of, where that is one of this patient's; null for
 * any other, and for whoever is no kiosk.
 */
export async function visitOfForm(
  store: Pick<RecordStore, "findMany">,
  { caller }: Visit,
  { form, compartment }: { readonly form: Resource; readonly compartment: Compartment },
): Promise<Result<string | null>> {
  if (caller.live.kioskVisit === null) return ok(null);
  const id = parseResourceId(encounterOf(form) ?? "");
  if (id === null) return ok(null);
  const type = parseResourceType("Encounter");
  invariant(type !== null, "Encounter is a type");
  const found = await store.findMany(type, [id]);
  if (!found.ok) return found;
  return ok(found.value.some((row) => row.compartment === compartment) ? id : null);
}
