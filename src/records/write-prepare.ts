import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { sealRule } from "#records/consent/sealed-rule.ts";
import { refused, type Refusal } from "#records/door.ts";
import { carryLabels, labelsLost } from "#records/fhir/carried-labels.ts";
import { categoriesOf, labelsOf } from "#records/fhir/categories.ts";
import type { CurrentConformance } from "#records/fhir/conformance.ts";
import type { ParsedResource } from "#records/fhir/parse.ts";
import { refuseById, refuseUnopened, union, type Wanted } from "#records/read.ts";
import { findBefore, openBefore, type Before } from "#records/version-before.ts";
import { visitOfForm } from "#records/kiosk.ts";
import { putRow } from "#records/row-write.ts";
import type { SearchDeps } from "#records/search-matches.ts";
import { findHome, type Home } from "#records/home.ts";
import type { Turnstile } from "#records/turnstile.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { RowOutcome, RowWrite } from "#records/write-plan.ts";
import type { DataKey, Vault } from "#vault/vault.ts";

export interface WriteDeps extends SearchDeps {
  /** By which what is written is checked. */
  readonly conformance: CurrentConformance;
  readonly random: Random;
  readonly turnstile: Turnstile;
}

/** A write that policy permits and that has its key; or why there is none. */
export type PreparedWrite =
  | { readonly ok: true; readonly row: RowWrite; readonly touch: Touch }
  | { readonly ok: false; readonly refusal: Refusal };

/** Why there is no key to seal this patient's resources with. */
export async function whyNoKey(
  { compartment, patient }: Home,
  vault: Pick<Vault, "shredded">,
): Promise<Problem> {
  const shredded = await vault.shredded([compartment]);
  if (!shredded.ok) return shredded.problem;
  if (shredded.value.has(compartment)) return problem("record-shredded");
  return patient === null
    ? problem("key-unavailable")
    : problem("reference-missing", { detail: `There is no Patient/${patient}.` });
}

/**
 * The key to seal a resource with. Only a Patient brings a new key into being; anything else for
 * a patient who has none fails as "reference-missing". Whose record was shredded gets no key again.
 */
async function keyForWriting(
  type: ResourceType,
  home: Home,
  vault: Vault,
): Promise<Result<DataKey>> {
  const { compartment } = home;
  const keys = await (type === "Patient" ? vault.create([compartment]) : vault.keys([compartment]));
  if (!keys.ok) return keys;
  const key = keys.value.get(compartment);
  return key === undefined ? failed(await whyNoKey(home, vault)) : ok(key);
}

const nothingThere: Before = { value: null, version: null };

export interface Put {
  /** Whether the id may be in use already. */
  readonly method: "POST" | "PUT";
  readonly parsed: ParsedResource;
  readonly id: ResourceId;
  readonly ifVersion: number | null;
  /** Whose record it belongs to, where that is known beforehand. */
  readonly home?: Home;
  /** Labels that the new version lacks are taken off, for a reason that is written with it; else they stay. */
  readonly relabels?: boolean;
}

/** Finds the resource's patient, asks policy, fetches the key. */
export async function preparePut(
  deps: WriteDeps,
  visit: Visit,
  { method, parsed: sent, id, ifVersion, home: given, relabels = false }: Put,
): Promise<PreparedWrite> {
  const { store, vault } = deps;
  const { type } = sent;
  const about = touch({
    action: method === "POST" ? "create" : "update",
    compartment: null,
    type,
    id,
  });
  const stop = (found: Problem, known: Touch = about): PreparedWrite => ({
    ok: false,
    refusal: refused(found, known),
  });
  const home = given === undefined ? await findHome(sent, { id, visit }, deps) : ok(given);
  if (!home.ok) return stop(home.problem);
  const { compartment } = home.value;
  const inCareTeam =
    compartment === "organisation" ? ok(false) : await store.isInCareTeam(compartment, visit.asker);
  if (!inCareTeam.ok) return stop(inCareTeam.problem);
  const existing =
    method === "POST" ? ok(nothingThere) : await findBefore(deps, visit, { type, id });
  if (!existing.ok) return { ok: false, refusal: refuseUnopened(existing, about) };
  const { value: before, version: versionBefore } = existing.value;
  const lost = before === null ? [] : labelsLost(sent.value, before);
  const parsed = before === null || relabels ? sent : carryLabels(sent, before);
  const { value } = parsed;
  const isNew = versionBefore === null || versionBefore === 0;
  const action = isNew ? "create" : "update";
  const inTeam = inCareTeam.value;
  const visited = await visitOfForm(store, visit, { form: value, compartment });
  if (!visited.ok) return stop(visited.problem);
  const encounter = visited.value;
  const question = { action, type, compartment, inCareTeam: inTeam, encounter } as const;
  const labels = union([labelsOf(value), before === null ? [] : labelsOf(before)]);
  const isRelabelled = relabels && lost.length > 0;
  const allowed = isRelabelled ? visit.decide({ ...question, action: "relabel", labels }) : null;
  const written =
    allowed?.permitted === false
      ? allowed
      : visit.decide({
          ...question,
          labels,
          // What stood there before an update might be beyond a narrowed scope, so that none covers one.
          ...(isNew ? { content: [value] } : {}),
        });
  const taken = isRelabelled ? lost.map((label) => `unlabelled-${label}`) : [];
  const policies = [...(allowed?.policies ?? []), ...written.policies, ...taken];
  const known: Touch = { ...about, action, compartment, policies, categories: categoriesOf(value) };
  if (!written.permitted)
    return {
      ok: false,
      refusal: { ...refused(written.problem, known), reasons: [written.problem.code, ...policies] },
    };
  const key = await keyForWriting(type, home.value, vault);
  if (!key.ok) return stop(key.problem, known);
  const blindKeys = type === "Patient" ? await deps.blind.writeKeys() : ok([]);
  if (!blindKeys.ok) return stop(blindKeys.problem, known);
  const consent =
    type === "Consent" && compartment !== "organisation"
      ? await sealRule(value, { id, patient: compartment }, deps)
      : null;
  if (consent?.ok === false) return stop(consent.problem, known);
  const placing = {
    ...home.value,
    id,
    key: key.value,
    // The labels are those of the version that was read, so that is the one to be replaced.
    ifVersion: ifVersion ?? versionBefore,
    skipUnchanged: false,
    blindKeys: blindKeys.value,
    ...(consent === null ? {} : { consent: consent.value }),
  };
  return { ok: true, row: putRow(parsed, placing, vault), touch: known };
}

/** Finds the resource to delete, asks policy, fetches the key: a deletion is a sealed version, too. */
export async function prepareDelete(
  deps: WriteDeps,
  visit: Visit,
  { type, id, ifVersion }: Wanted & { readonly ifVersion: number | null },
): Promise<PreparedWrite> {
  const about = touch({ action: "delete", compartment: null, type, id });
  const stop = (found: Problem, known: Touch = about): PreparedWrite => ({
    ok: false,
    refusal: refused(found, known),
  });
  const found = await deps.store.find(type, id, visit.asker);
  if (!found.ok) return stop(found.problem);
  const [row] = found.value.rows;
  if (row === undefined) return stop(problem("not-found"));
  const { compartment } = row;
  const { inCareTeam } = found.value;
  const opened = await openBefore(deps, visit, row);
  if (!opened.ok) return { ok: false, refusal: refuseUnopened(opened, { ...about, compartment }) };
  const labels = opened.value === null ? [] : labelsOf(opened.value);
  const verdict = visit.decide({ action: "delete", type, compartment, inCareTeam, labels });
  const known = { ...about, compartment, policies: verdict.policies };
  if (!verdict.permitted)
    return { ok: false, refusal: refuseById(visit, verdict.problem, { ...verdict, touch: known }) };
  const keys = await deps.vault.keys([compartment]);
  if (!keys.ok) return stop(keys.problem, known);
  const key = keys.value.get(compartment);
  if (key === undefined)
    return stop(await whyNoKey({ compartment, patient: null }, deps.vault), known);
  const content = { kind: "delete" } as const;
  const write: RowWrite = { type, id, compartment, patient: null, key, ifVersion, content };
  return { ok: true, row: write, touch: known };
}

/** What the log is told of a row that was written. */
export function touchOfWrite(about: Touch, outcome: RowOutcome): Touch {
  if (outcome.kind === "refused" || outcome.kind === "unchanged") return about;
  const { version, dekVersion, ciphertextHash } = outcome;
  return { ...about, version, dekVersion, ciphertextHash, count: 1 };
}
