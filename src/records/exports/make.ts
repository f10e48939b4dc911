import type { IncomingMessage } from "node:http";
import { laterBy, toIso } from "#core/clock.ts";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { CopyMade } from "#core/wire.ts";
import { refused, type Interaction, type Refusal } from "#records/door.ts";
import { listRecord, type Listed } from "#records/everything/listing-store.ts";
import { walkRecord, type WalkDeps } from "#records/everything/record-walk.ts";
import { findWhose, type Whose } from "#records/everything/whose.ts";
import {
  addCopy,
  countCopies,
  sweepCopies,
  type StoredCopy,
} from "#records/exports/export-store.ts";
import { fileNameOf, parseCopyForm, type CopyForm } from "#records/exports/form.ts";
import { Spool } from "#records/exports/spool.ts";
import { createWriter } from "#records/exports/writer.ts";
import { jsonAnswer } from "#records/http.ts";
import { touch, type Visit } from "#records/visit.ts";
import { newId, readJsonValue } from "#records/write-body.ts";
import type { Vault } from "#vault/vault.ts";

export const copyLimits = {
  bodyBytes: 4 * 1024,
  /** How long a copy can be fetched. */
  keptMs: 24 * 60 * 60_000,
  /** Copies that one account keeps at a time. */
  perAccount: 12,
  /** Resources of one copy; a larger record is taken by $everything, in parts. */
  resources: 50_000,
  /** Copies that this process makes at a time. */
  atOnce: 2,
  sweptAtOnce: 1_000,
} as const;

export interface CopyDeps extends WalkDeps {
  readonly random: Random;
  readonly vault: Vault;
}

interface Wish {
  readonly patient: ResourceId;
  readonly form: CopyForm;
}

async function readWish(request: IncomingMessage): Promise<Result<Wish>> {
  const body = await readJsonValue(request, copyLimits.bodyBytes);
  if (!body.ok) return body;
  const wish = isRecord(body.value) ? body.value : {};
  const patient = typeof wish["patient"] === "string" ? parseResourceId(wish["patient"]) : null;
  const form = parseCopyForm(wish["form"]);
  if (patient === null) return refuse("parameter-invalid", { at: "patient" });
  return form === null ? refuse("parameter-invalid", { at: "form" }) : ok({ patient, form });
}

/** Walks the record and lays the copy down; a refusal of the walk is one of the copy. */
async function layDown(
  deps: CopyDeps,
  visit: Visit,
  what: { readonly whose: Whose; readonly listed: readonly Listed[]; readonly form: CopyForm },
  spool: Spool,
): Promise<Result<null> | Refusal> {
  const { whose, listed, form } = what;
  const writer = createWriter(form, { publicOrigin: deps.publicOrigin, made: visit.at });
  const asked = { ...whose, listed, types: null, since: null, care: null };
  for await (const step of walkRecord(deps, visit, asked)) {
    if (step.kind === "refused") return step;
    for (const { opened } of step.entries) spool.note(opened.row, deps.kindsOf(opened));
    const written = await spool.write(writer.add(step.entries));
    if (!written.ok) return written;
  }
  const last = await writer.end();
  if (!last.ok) return last;
  const written = await spool.write(last.value);
  return written.ok ? spool.flush() : written;
}

const toldOf = ({ id, form, bytes, resources, madeAt, endsAt }: StoredCopy): CopyMade => ({
  id,
  form,
  bytes,
  resources,
  fileName: fileNameOf(form, toIso(madeAt).slice(0, 10)),
  endsAt: toIso(endsAt),
});

async function makeCopy(
  deps: CopyDeps,
  visit: Visit,
  { whose, form }: { readonly whose: Whose; readonly form: CopyForm },
): Promise<Result<StoredCopy> | Refusal> {
  const { compartment } = whose;
  const { account } = visit.caller.live;
  const swept = await sweepCopies(deps.db, { now: visit.at, limit: copyLimits.sweptAtOnce });
  if (!swept.ok) return swept;
  const kept = await countCopies(deps.db, account, visit.at);
  if (!kept.ok) return kept;
  if (kept.value >= copyLimits.perAccount)
    return refuse("too-costly", { detail: "Too many copies are kept; fetch them, or wait a day." });
  const others = deps.samePerson.othersOf(compartment).map((chart) => chart.compartment);
  const charts = [compartment, ...others];
  const listed = await listRecord(deps.db, { charts, types: null, since: null });
  if (!listed.ok) return listed;
  if (listed.value.length > copyLimits.resources)
    return refuse("too-costly", { detail: "The record is too large; take it by $everything." });
  const keys = await deps.vault.keys([compartment]);
  if (!keys.ok) return keys;
  const key = keys.value.get(compartment);
  if (key === undefined) return refuse("record-shredded");
  const id = newId(deps);
  const endsAt = laterBy(visit.at, copyLimits.keptMs);
  const spool = new Spool({ id, compartment, endsAt, key }, deps);
  const laid = await layDown(deps, visit, { whose, listed: listed.value, form }, spool);
  if ("kind" in laid || !laid.ok) return laid;
  const copy = { id, compartment, account, form, madeAt: visit.at, endsAt, ...spool.total };
  const added = await addCopy(deps.db, copy);
  return added.ok ? ok(copy) : added;
}

/**
 * `POST /api/records/exports` `{patient, form}`: makes a copy of a record and keeps it sealed for a
 * day, to be fetched by whoever asked. Nothing of it leaves here.
 */
export function createCopyMaker(deps: CopyDeps): (request: IncomingMessage) => Interaction {
  let making = 0;
  return (request) => async (visit) => {
    const blank = touch({ action: "export", compartment: null, type: "Patient" });
    const wish = await readWish(request);
    if (!wish.ok) return refused(wish.problem, blank);
    const { patient, form } = wish.value;
    const whose = await findWhose(deps.store, visit, patient);
    if (whose.kind === "refused") return whose;
    const about = { ...blank, id: patient, compartment: whose.compartment };
    const stop = (found: Problem): Refusal => refused(found, about);
    if (making >= copyLimits.atOnce) return stop(problem("overloaded"));
    making += 1;
    try {
      const copy = await makeCopy(deps, visit, { whose, form });
      if ("kind" in copy) return copy;
      if (!copy.ok) return stop(copy.problem);
      const answer = { ...jsonAnswer(toldOf(copy.value)), status: 201 };
      return { kind: "shown", touches: [{ ...about, policies: whose.policies }], answer };
    } finally {
      making -= 1;
    }
  };
}
