import type { IncomingMessage } from "node:http";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { jsonAnswer, type Answer } from "#records/http.ts";
import { linesOf } from "#records/import.ts";
import { prepareImport, writeImport, type ImportDeps } from "#records/import-batch.ts";
import { parseImportLine, type ImportLine } from "#records/import-line.ts";
import type { Operator } from "#records/operator.ts";
import { homeOf } from "#records/home.ts";
import type { Compartment, Vault } from "#vault/vault.ts";

// A care team gives someone access, and whoever has access opens her record for a good reason.
const telling = new Set(["CareTeam"]);

/** The patients of the lines; refused unless each line is of one whom nobody cares for. */
function patientsOf(lines: readonly ImportLine[], vault: Vault): Result<ReadonlySet<Compartment>> {
  const patients = new Set<Compartment>();
  for (const line of lines) {
    if (!line.ok) return { ok: false, problem: line.problem };
    const { id, type } = line.parsed;
    const home = id === null ? null : homeOf(line.parsed, { id }, vault);
    if (home?.ok !== true || home.value.patient === null || telling.has(type))
      return refuse("parameter-invalid", { detail: "honey is of patients without a care team" });
    patients.add(home.value.compartment);
  }
  return ok(patients);
}

/**
 * `POST /internal/keys/honey`, lines as for an import: lays records that nobody will ever have a
 * reason to open. The log tells of them as of any import, so that it does not tell them apart.
 * Answers `{patients, records}`; refused whole as "parameter-invalid" when a patient is there already.
 */
export async function layHoney(
  deps: ImportDeps,
  request: IncomingMessage,
  operator: Operator,
): Promise<Result<Answer>> {
  const texts = await linesOf(request);
  if (!texts.ok) return texts;
  const lines = texts.value.map((text) => parseImportLine(text, deps.conformance()));
  const patients = patientsOf(lines, deps.vault);
  if (!patients.ok) return patients;
  const known = await deps.vault.keys([...patients.value]);
  if (!known.ok) return known;
  if (known.value.size > 0)
    return refuse("parameter-invalid", { detail: "a patient of this id has a record of her own" });
  const batch = await prepareImport(deps, lines, { kind: "honey" });
  if (!batch.ok) return batch;
  const written = await writeImport(deps, operator, batch.value);
  if (!written.ok) return written;
  return ok(jsonAnswer({ patients: patients.value.size, records: written.value.length }));
}
