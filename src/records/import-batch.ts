import type { Log } from "#audit/log.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import type { TenantId } from "#core/ids.ts";
import { refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { failed, ok, unreachable, type Result } from "#core/result.ts";
import type { BlindIndex } from "#records/blind/blind-index.ts";
import { sealRule } from "#records/consent/sealed-rule.ts";
import { labelledLines, type Earlier, type ImportedLine } from "#records/import-labels.ts";
import { categoriesOf } from "#records/fhir/categories.ts";
import type { CurrentConformance } from "#records/fhir/conformance.ts";
import { outcomeLine, type ImportLine, type LineOutcome } from "#records/import-line.ts";
import type { Operator } from "#records/operator.ts";
import { putRow } from "#records/row-write.ts";
import { homeOf, type Home } from "#records/home.ts";
import type { RecordStore } from "#records/store.ts";
import type {
  ConsentWrite,
  RowOutcome,
  RowWrite,
  Work,
  WriteGroup,
  WriteOutcome,
} from "#records/write-plan.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

export interface ImportDeps {
  readonly tenant: TenantId;
  readonly log: Pick<Log<Work, WriteOutcome>, "submit">;
  readonly vault: Vault;
  readonly store: RecordStore;
  /** By which what is brought in is checked. */
  readonly conformance: CurrentConformance;
  readonly blind: BlindIndex;
  readonly clock: Clock;
  readonly random: Random;
}

/** A line that is ready to be written. */
interface Ready {
  readonly write: RowWrite;
  readonly categories: readonly string[];
}

type Prepared = { readonly line: ImportLine } & (
  | { readonly ok: true; readonly ready: Ready }
  | { readonly ok: false; readonly problem: Problem }
);

type Housed =
  | {
      readonly ok: true;
      readonly line: Extract<ImportLine, { ok: true }>;
      readonly ifVersion: number | null;
      readonly home: Home;
    }
  | { readonly ok: false; readonly line: ImportLine; readonly problem: Problem };

function housed({ line, ifVersion }: ImportedLine, vault: Vault): Housed {
  if (!line.ok) return { ok: false, line, problem: line.problem };
  const { id } = line.parsed;
  const home = id === null ? refuse("resource-invalid") : homeOf(line.parsed, { id }, vault);
  return home.ok
    ? { ok: true, line, ifVersion, home: home.value }
    : { ok: false, line, problem: home.problem };
}

/** Keys of all compartments of a flush; those of patients that come with it are made in one go. */
async function keysOf(
  lines: readonly Housed[],
  vault: Vault,
): Promise<Result<Pick<Keys, "of" | "shredded">>> {
  const wanted = new Set<Compartment>();
  const arriving = new Set<Compartment>();
  for (const each of lines) {
    if (!each.ok) continue;
    wanted.add(each.home.compartment);
    if (each.line.parsed.type === "Patient") arriving.add(each.home.compartment);
  }
  const known = await vault.keys([...wanted]);
  if (!known.ok) return known;
  const unborn = [...arriving].filter((compartment) => !known.value.has(compartment));
  const made = unborn.length === 0 ? ok(known.value) : await vault.create(unborn);
  if (!made.ok) return made;
  const of = new Map([...known.value, ...made.value]);
  const keyless = [...wanted].filter((compartment) => !of.has(compartment));
  const shredded = keyless.length === 0 ? ok(noneShredded) : await vault.shredded(keyless);
  return shredded.ok ? ok({ of, shredded: shredded.value }) : shredded;
}

const noneShredded: ReadonlySet<Compartment> = new Set();

interface Keys {
  readonly of: ReadonlyMap<Compartment, DataKey>;
  /** Those of the others whose keys were destroyed. */
  readonly shredded: ReadonlySet<Compartment>;
  /** The organisation's, for indexing Patients. */
  readonly blind: readonly DataKey[];
  /** What each Consent among the lines forbids. */
  readonly consents: ReadonlyMap<ImportLine, ConsentWrite>;
  readonly kind: "records" | "honey";
}

async function consentsOf(
  lines: readonly Housed[],
  deps: Pick<ImportDeps, "tenant" | "vault">,
): Promise<Result<Keys["consents"]>> {
  const consents = new Map<ImportLine, ConsentWrite>();
  for (const each of lines) {
    if (!each.ok || each.line.parsed.type !== "Consent") continue;
    const { id, value } = each.line.parsed;
    const { compartment } = each.home;
    if (id === null || compartment === "organisation") continue;
    const sealed = await sealRule(value, { id, patient: compartment }, deps);
    if (!sealed.ok) return sealed;
    consents.set(each.line, sealed.value);
  }
  return ok(consents);
}

function prepared(each: Housed, keys: Keys, vault: Vault): Prepared {
  if (!each.ok) return each;
  const { line, home, ifVersion } = each;
  const { parsed } = line;
  const key = keys.of.get(home.compartment);
  if (keys.shredded.has(home.compartment))
    return { ok: false, line, problem: { code: "record-shredded" } };
  if (key === undefined || parsed.id === null) {
    const detail = `There is no Patient/${home.patient ?? ""}.`;
    return { ok: false, line, problem: { code: "reference-missing", detail } };
  }
  const consent = keys.consents.get(line);
  const placing = {
    ...home,
    id: parsed.id,
    key,
    ifVersion,
    skipUnchanged: true,
    // What no search is to find is in no index.
    // Honey is indexed, too: a Patient without index rows would give it away.
    blindKeys: keys.blind,
    isHoney: keys.kind === "honey",
    ...(consent === undefined ? {} : { consent }),
  };
  const ready = { write: putRow(parsed, placing, vault), categories: categoriesOf(parsed.value) };
  return { ok: true, line, ready };
}

const lost: LineOutcome = { kind: "refused", problem: { code: "unexpected" } };

function lineOutcome(outcome: RowOutcome | undefined): LineOutcome {
  if (outcome === undefined) return lost;
  switch (outcome.kind) {
    case "created":
      return { kind: "created" };
    case "updated":
      return { kind: "updated" };
    case "unchanged":
      return { kind: "unchanged" };
    case "refused":
      return outcome;
    case "deleted":
      return lost;
    default:
      return unreachable(outcome);
  }
}

const about = (operator: Operator): Omit<Parameters<typeof auditEntry>[0], "decision"> => ({
  ...operator,
  action: "import",
  role: "operator",
  zone: "operator",
  purpose: "SYSADMIN",
});

function writtenEntry(operator: Operator, ready: Ready, outcome: RowOutcome): AuditEntry | null {
  if (outcome.kind === "unchanged" || outcome.kind === "refused") return null;
  const { write, categories } = ready;
  const patient = write.compartment === "organisation" ? null : write.compartment;
  return auditEntry({
    ...about(operator),
    decision: "permit",
    patient,
    resourceType: write.type,
    resourceId: write.id,
    resourceVersion: outcome.version,
    categories,
    count: 1,
    dekVersion: outcome.dekVersion,
    ciphertextHash: outcome.ciphertextHash,
  });
}

/** One entry for each row written, and one for all lines that were refused. */
function entriesOf(
  operator: Operator,
  lines: readonly Prepared[],
  rows: readonly RowOutcome[],
): readonly AuditEntry[] {
  const ready = lines.flatMap((line) => (line.ok ? [line.ready] : []));
  const written = rows.flatMap((row, index) => {
    const at = ready[index];
    return (at === undefined ? null : writtenEntry(operator, at, row)) ?? [];
  });
  const refusals = outcomesOf(lines, rows).flatMap((each) =>
    each.kind === "refused" ? [each.problem.code] : [],
  );
  if (refusals.length === 0 && written.length > 0) return written;
  const decision = refusals.length === 0 ? "permit" : "error";
  const reasons = [...new Set(refusals)].sort();
  return [
    ...written,
    auditEntry({ ...about(operator), decision, reasons, count: refusals.length }),
  ];
}

function outcomesOf(lines: readonly Prepared[], rows: readonly RowOutcome[]): LineOutcome[] {
  let next = 0;
  return lines.map((line) => {
    if (!line.ok) return { kind: "refused", problem: line.problem };
    next += 1;
    return lineOutcome(rows[next - 1]);
  });
}

/** Lines whose keys are at hand. */
export interface ImportBatch {
  readonly lines: readonly Prepared[];
}

export interface ImportOf {
  readonly kind?: "records" | "honey";
  /** What came before in the same request; grows with each batch. */
  readonly earlier?: Earlier;
}

/** Finds the patient, the labels and the key of every line; makes keys for patients that are new. */
export async function prepareImport(
  deps: ImportDeps,
  lines: readonly ImportLine[],
  { kind = "records", earlier = new Map() }: ImportOf = {},
): Promise<Result<ImportBatch>> {
  const { tenant, vault, blind } = deps;
  const labelled = await labelledLines(lines, earlier, deps);
  const homes = labelled.map((line) => housed(line, vault));
  const found = await keysOf(homes, vault);
  if (!found.ok) return found;
  const blindKeys = await blind.writeKeys();
  if (!blindKeys.ok) return blindKeys;
  const consents = await consentsOf(homes, { tenant, vault });
  if (!consents.ok) return consents;
  const keys = { ...found.value, blind: blindKeys.value, consents: consents.value, kind };
  return ok({ lines: homes.map((each) => prepared(each, keys, vault)) });
}

/** Writes and logs a batch; resolves, with a line of answer for each line, when both are durable. */
export async function writeImport(
  { log }: ImportDeps,
  operator: Operator,
  { lines }: ImportBatch,
): Promise<Result<readonly string[]>> {
  const work: WriteGroup = {
    atomic: false,
    rows: lines.flatMap((line) => (line.ok ? [line.ready.write] : [])),
  };
  const written = await log.submit({
    work,
    entries: (outcome) => entriesOf(operator, lines, outcome?.ok === true ? outcome.value : []),
  });
  if (!written.ok) return written;
  const { outcome } = written.value;
  if (outcome === null) return refuse("unexpected");
  if (!outcome.ok) return failed(outcome.problem);
  const outcomes = outcomesOf(lines, outcome.value);
  return ok(lines.map(({ line }, at) => outcomeLine(line.source, outcomes[at] ?? lost)));
}
