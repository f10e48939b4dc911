import type { IncomingMessage } from "node:http";
import type { ResourceId } from "#core/ids.ts";
import { parseResourceType } from "#core/ids.ts";
import { scanJson, spliceJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { failed, invariant, ok, type Result } from "#core/result.ts";
import { refused } from "#records/door.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { parseResource, type ParsedResource } from "#records/fhir/parse.ts";
import { outgoingReferences } from "#records/fhir/references.ts";
import { actCode } from "#records/fhir/sensitivities.ts";
import { touch, type Visit } from "#records/visit.ts";
import { newId } from "#records/write-body.ts";
import { preparePut, type PreparedWrite, type WriteDeps } from "#records/write-prepare.ts";

const at = "X-Provenance";
const type = parseResourceType("Provenance");

const invalid = (detail: string): Result<never> => refuse("parameter-invalid", { at, detail });

/** The header's text; null when there is none. HTTP gives it byte by byte, JSON is UTF-8. */
export function sentProvenance({ headers }: IncomingMessage): string | null {
  const header = headers["x-provenance"];
  return typeof header === "string" ? Buffer.from(header, "latin1").toString("utf8") : null;
}

const labelMarks: ReadonlySet<unknown> = new Set(["DECLASSIFYLABEL", "DOWNGRDLABEL"]);

/**
 * Whether the Provenance that is sent says that a security label is taken off (HL7 v3 ActCode
 * DOWNGRDLABEL or DECLASSIFYLABEL as its activity), and why, in words. One that is broken says nothing.
 */
export function statesRelabelling(request: IncomingMessage): boolean {
  const text = sentProvenance(request);
  if (text === null || !scanJson(text, limits.jsonDepth).ok) return false;
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || !isObject(value.activity)) return false;
  const isMarked = listOf(value.activity.coding).some(
    (coding) => isObject(coding) && coding.system === actCode && labelMarks.has(coding.code),
  );
  const reasons = listOf(value.reason).map((reason) => (isObject(reason) ? reason.text : null));
  return (
    isMarked && reasons.some((words) => typeof words === "string" && words.trim().length >= 10)
  );
}

/** R4 §6.3.4.5: sent without a target, which is the version that is being written. */
function parseSent(text: string, target: string, deps: WriteDeps): Result<ParsedResource> {
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return failed({ ...scanned.problem, at });
  if (scanned.value.topLevel.has("target")) return invalid("names a target, which the server does");
  const whole = spliceJson(text, scanned.value, {
    target: JSON.stringify([{ reference: target }]),
  });
  invariant(type !== null, "Provenance is a type");
  return parseResource(whole, { type, conformance: deps.conformance() });
}

type Written = Extract<PreparedWrite, { ok: true }>;

function mentionsOthers(
  { value }: ParsedResource,
  { row }: Written,
  { vault }: Pick<WriteDeps, "vault">,
): boolean {
  return outgoingReferences(value).some(
    (reference) =>
      (reference.type as string) === "Patient" &&
      vault.pseudonymOf(reference.id) !== row.compartment,
  );
}

/** The version that the row will have, with the one that it must replace for that. */
async function nextVersion(
  { row }: Written,
  isNew: boolean,
  { deps, visit }: { readonly deps: WriteDeps; readonly visit: Visit },
): Promise<Result<number>> {
  if (isNew) return ok(0);
  if (row.ifVersion !== null) return ok(row.ifVersion);
  const found = await deps.store.find(row.type, row.id, visit.asker);
  return found.ok ? ok(found.value.rows[0]?.version ?? 0) : found;
}

export interface WithProvenance {
  readonly main: PreparedWrite;
  /** Null when none was sent. */
  readonly provenance: Written | null;
}

/**
 * The Provenance that came with a write, to be written with it or not at all, and the write held to
 * the version that the Provenance names. A refusal of either is one of both.
 */
export async function withSentProvenance(
  {
    deps,
    visit,
    request,
  }: {
    readonly deps: WriteDeps;
    readonly visit: Visit;
    readonly request: IncomingMessage;
  },
  prepared: PreparedWrite,
  isNew: boolean,
): Promise<WithProvenance> {
  const text = sentProvenance(request);
  if (text === null || !prepared.ok) return { main: prepared, provenance: null };
  const about = touch({ ...prepared.touch, type });
  const stop = (result: Extract<Result<never>, { ok: false }>): WithProvenance => ({
    main: { ok: false, refusal: refused(result.problem, about) },
    provenance: null,
  });
  const replaces = await nextVersion(prepared, isNew, { deps, visit });
  if (!replaces.ok) return stop(replaces);
  const { row } = prepared;
  const target = `${row.type}/${row.id}/_history/${replaces.value + 1}`;
  const parsed = parseSent(text, target, deps);
  if (!parsed.ok) return stop(parsed);
  if (mentionsOthers(parsed.value, prepared, deps))
    return stop(refuse("compartment-unclear", { at, detail: "mentions another patient" }));
  const home = { compartment: row.compartment, patient: row.patient };
  const id: ResourceId = newId(deps);
  const put = { method: "POST", parsed: parsed.value, id, ifVersion: null, home } as const;
  const provenance = await preparePut(deps, visit, put);
  if (!provenance.ok) return { main: provenance, provenance: null };
  return { main: { ...prepared, row: { ...row, ifVersion: replaces.value } }, provenance };
}
