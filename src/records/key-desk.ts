import type { IncomingMessage } from "node:http";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import { parseResourceId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { layHoney } from "#records/honey-laying.ts";
import { jsonAnswer, type Answer } from "#records/http.ts";
import type { ImportDeps } from "#records/import-batch.ts";
import {
  parseEventAsked,
  parseEvictAsked,
  parsePseudonymAsked,
  parseResealAsked,
  type EventAsked,
  type ResealAsked,
} from "#records/key-desk-wire.ts";
import { operatorOf, type Operator } from "#records/operator.ts";
import { readCompartments } from "#records/reseal-store.ts";
import { resealCompartment, type ResealDeps } from "#records/reseal.ts";
import { readJsonValue } from "#records/write-body.ts";
import type { Compartment } from "#vault/vault.ts";

/** What an operator's command may ask of the records process about keys. */
export type KeyWork = "reseal" | "evict" | "event" | "pseudonym" | "honey";

export interface KeyDeskDeps extends ImportDeps, Pick<ResealDeps, "db" | "tenant"> {}

async function parsedBody<T>(
  request: IncomingMessage,
  parse: (value: unknown) => T | null,
): Promise<Result<T>> {
  const body = await readJsonValue(request);
  if (!body.ok) return body;
  const parsed = parse(body.value);
  return parsed === null ? refuse("parameter-invalid") : ok(parsed);
}

async function wanted(
  { db }: KeyDeskDeps,
  { patients, after, limit }: ResealAsked,
): Promise<Result<{ readonly some: readonly Compartment[]; readonly next: string | null }>> {
  if (patients === null) {
    const found = await readCompartments(db, after ?? "", limit);
    if (!found.ok) return found;
    const next = found.value.length < limit ? null : (found.value.at(-1) ?? null);
    return ok({ some: found.value, next });
  }
  const from = after === null ? 0 : patients.findIndex((patient) => patient === after) + 1;
  const some = patients.slice(from, from + limit);
  const isLast = from + some.length >= patients.length;
  return ok({ some, next: isLast ? null : (some.at(-1) ?? null) });
}

/** A new key for each compartment, then its rows under it; those that have no key are passed over. */
async function reseal(
  deps: KeyDeskDeps,
  operator: Operator,
  asked: ResealAsked,
): Promise<Result<Answer>> {
  const page = await wanted(deps, asked);
  if (!page.ok) return page;
  let [done, rows, damaged] = [0, 0, 0];
  for (const compartment of page.value.some) {
    const keys = await deps.vault.renew([compartment]);
    if (!keys.ok) return keys;
    const key = keys.value.get(compartment);
    if (key === undefined) continue;
    const resealed = await resealCompartment(deps, operator, key);
    if (!resealed.ok) return resealed;
    done += 1;
    rows += resealed.value.rows;
    damaged += resealed.value.damaged;
  }
  return ok(jsonAnswer({ done, next: page.value.next, rows, damaged }));
}

function entryOf(operator: Operator, asked: EventAsked): AuditEntry {
  return auditEntry({
    ...operator,
    ...asked,
    role: "operator",
    zone: "operator",
    purpose: "SYSADMIN",
  });
}

/** Answers when the entry is durable: an operator's command goes on only then. */
async function tell(
  { log }: KeyDeskDeps,
  operator: Operator,
  asked: EventAsked,
): Promise<Result<Answer>> {
  const told = await log.submit({ entries: () => [entryOf(operator, asked)] });
  return told.ok ? ok(jsonAnswer({ place: told.value.places[0] ?? null })) : told;
}

/**
 * `POST /internal/keys/…`, JSON in and out, for an operator's command; the caller must have checked
 * that the peer's role is operator.
 *
 * - `reseal` `{patients, after, limit}` → `{done, next, rows, damaged}`: a new key version for each
 *   patient (pseudonyms or "organisation"; null for all), and every row under it. Ask again with
 *   `next` as `after` until it is null; what was done stays done.
 * - `evict` `{compartments}` → `{evicted}`: forgets keys in memory, of all compartments when null.
 * - `event` `{action, patient, reasons, count, signal, actor, decision?}` → `{place}`: one durable
 *   entry of the log.
 * - `pseudonym` `{patient}` (the Patient's id) → `{compartment}`.
 * - `honey`: see honey-laying.ts.
 */
export async function answerKeyWork(
  deps: KeyDeskDeps,
  request: IncomingMessage,
  work: KeyWork,
): Promise<Result<Answer>> {
  const operator = operatorOf(request, deps.clock.now(), deps.random);
  switch (work) {
    case "reseal": {
      const asked = await parsedBody(request, parseResealAsked);
      return asked.ok ? reseal(deps, operator, asked.value) : asked;
    }
    case "evict": {
      const asked = await parsedBody(request, parseEvictAsked);
      return asked.ok
        ? ok(jsonAnswer({ evicted: deps.vault.evict(asked.value.compartments) }))
        : asked;
    }
    case "event": {
      const asked = await parsedBody(request, parseEventAsked);
      return asked.ok ? tell(deps, operator, asked.value) : asked;
    }
    case "pseudonym": {
      const asked = await parsedBody(request, parsePseudonymAsked);
      if (!asked.ok) return asked;
      const patient = parseResourceId(asked.value.patient);
      return patient === null
        ? refuse("parameter-invalid", { at: "patient" })
        : ok(jsonAnswer({ compartment: deps.vault.pseudonymOf(patient) }));
    }
    case "honey":
      return layHoney(deps, request, operator);
    default:
      return unreachable(work);
  }
}
