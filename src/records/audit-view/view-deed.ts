import { refused, type Interaction } from "#records/door.ts";
import {
  readAuditEvent,
  searchAuditEvents,
  type AuditViewDeps,
} from "#records/audit-view/audit-view.ts";
import { readForm } from "#records/http.ts";
import { prefersLenient } from "#records/preference.ts";
import type { Asked, Deed } from "#records/server.ts";
import { touch } from "#records/visit.ts";

const guarded = (interaction: Interaction): Deed => ({
  kind: "guarded",
  action: "access-log",
  interaction,
});

function byForm(deps: AuditViewDeps, { request, query }: Asked): Interaction {
  return async (visit) => {
    const form = await readForm(request);
    if (!form.ok) return refused(form.problem, touch({ action: "access-log", compartment: null }));
    const merged = new URLSearchParams([...query, ...form.value]);
    const lenient = prefersLenient(request.headers);
    return searchAuditEvents(deps, { query: merged, lenient })(visit);
  };
}

/** What is done at the places of AuditEvent: reading and searching; the log alone makes one. */
export function auditViewDeed(deps: AuditViewDeps, asked: Asked): Deed | null {
  const { place, method, query, request } = asked;
  if (place.kind === "search-form") return method === "POST" ? guarded(byForm(deps, asked)) : null;
  if (method !== "GET") return null;
  if (place.kind === "instance") return guarded(readAuditEvent(deps, place.id));
  const lenient = prefersLenient(request.headers);
  return place.kind === "type" ? guarded(searchAuditEvents(deps, { query, lenient })) : null;
}
