import type { AuditEntry } from "#core/audit-entry.ts";
import { parseResourceId, parseResourceType, type AccountId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { readDirectory, type DirectoryRow } from "#records/live-store.ts";
import { openRows, type OpeningDeps } from "#records/opening.ts";
import type { RecordStore } from "#records/store.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export interface NamesDeps extends OpeningDeps {
  readonly db: Queryable;
  readonly store: Pick<RecordStore, "findWhole">;
}

/** In plain words, who made an entry. */
export type NameOf = (entry: AuditEntry) => string;

/** Who made an entry, and which Practitioner that is. */
export interface Maker {
  readonly name: string;
  readonly practitioner: ResourceId | null;
}

const words: Readonly<Record<string, string>> = {
  patient: "The patient",
  proxy: "Someone acting for the patient",
  clinician: "A clinician",
  "privacy-officer": "A privacy officer",
  "security-operator": "A security operator",
  administrator: "An administrator",
  service: "A connected service",
};

const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

/** The first FHIR HumanName as one reads it aloud; null when there is none. */
export function nameIn(resource: unknown): string | null {
  const names: unknown = isRecord(resource) ? resource["name"] : undefined;
  const first: unknown = Array.isArray(names) ? names[0] : undefined;
  if (!isRecord(first)) return null;
  const { text, prefix, given, family } = first;
  if (typeof text === "string") return text;
  const last = typeof family === "string" ? [family] : [];
  const parts = [...textsIn(prefix), ...textsIn(given), ...last];
  return parts.length === 0 ? null : parts.join(" ");
}

const practitionerType = parseResourceType("Practitioner");

async function practitionerNames(
  directory: readonly DirectoryRow[],
  deps: NamesDeps,
): Promise<Result<ReadonlyMap<string, string>>> {
  invariant(practitionerType !== null, "Practitioner is a type");
  const ids = directory.flatMap(({ practitioner }) =>
    practitioner === null ? [] : (parseResourceId(practitioner) ?? []),
  );
  if (ids.length === 0) return ok(new Map());
  const rows = await deps.store.findWhole(practitionerType, [...new Set(ids)]);
  if (!rows.ok) return rows;
  const opened = await openRows(rows.value, deps, null);
  if (!opened.ok) return opened;
  return ok(
    new Map(
      opened.value.flatMap(({ row, value }): [string, string][] => {
        const name = nameIn(value);
        return name === null ? [] : [[row.id, name]];
      }),
    ),
  );
}

const uuid = /^[0-9a-f-]{36}$/;

/**
 * Looks up those who made the entries, at once. The names are of staff: of patients it tells the
 * role alone, and of the reader, where there is one, that it was "You".
 */
export async function makersFor(
  entries: readonly AuditEntry[],
  reader: AccountId | null,
  deps: NamesDeps,
): Promise<Result<(entry: AuditEntry) => Maker>> {
  const actors = new Set(entries.flatMap(({ actor }) => actor ?? []));
  const accounts = [...actors].filter((actor) => actor !== reader && uuid.test(actor));
  const directory = await attempt(() => readDirectory(deps.db, accounts));
  if (!directory.ok) return directory;
  const practitioners = await practitionerNames(directory.value, deps);
  if (!practitioners.ok) return practitioners;
  const practitionerOf = new Map(
    directory.value.map(({ account_id, practitioner }) => [account_id, practitioner]),
  );
  const nameOf = ({ actor, action, role }: AuditEntry, practitioner: string | null): string => {
    if (actor === null) return "Someone unknown";
    if (actor === reader) return "You";
    if (actor.startsWith("operator:"))
      return action === "import" ? "Phylax import" : "The operator of Phylax";
    if (actor.startsWith("process:")) return "Phylax";
    const name = practitioner === null ? undefined : practitioners.value.get(practitioner);
    return name ?? words[role ?? ""] ?? "Someone unknown";
  };
  return ok((entry) => {
    const practitioner = practitionerOf.get(entry.actor ?? "") ?? null;
    return {
      name: nameOf(entry, practitioner),
      practitioner: practitioner === null ? null : parseResourceId(practitioner),
    };
  });
}

/** As makersFor, of the names alone. */
export async function namesFor(
  entries: readonly AuditEntry[],
  reader: AccountId,
  deps: NamesDeps,
): Promise<Result<NameOf>> {
  const makers = await makersFor(entries, reader, deps);
  return makers.ok ? ok((entry) => makers.value(entry).name) : makers;
}
