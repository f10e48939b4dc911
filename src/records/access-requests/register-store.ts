import { toIso } from "#core/clock.ts";
import { parsePseudonym, parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { AccessRequestWrite, RegisterRow } from "#records/access-requests/register-row.ts";
import { requestLimits } from "#records/access-requests/parse.ts";
import type { WriteOutcome } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

interface RawRow {
  readonly id: string;
  readonly version: number;
  readonly compartment: string;
  readonly asked_on: string;
  readonly due_on: string;
  readonly is_open: boolean;
  readonly dek_version: number;
  readonly sealed: Buffer;
}

function rowOf(raw: RawRow): RegisterRow {
  const [id, compartment] = [parseResourceId(raw.id), parsePseudonym(raw.compartment)];
  invariant(id !== null && compartment !== null, "a row of the register has a place");
  const { version, sealed } = raw;
  return {
    id,
    version,
    compartment,
    askedOn: raw.asked_on,
    dueOn: raw.due_on,
    isOpen: raw.is_open,
    dekVersion: raw.dek_version,
    sealed,
  };
}

const columns = `r.id, r.version, r.compartment, r.asked_on, r.due_on, r.is_open, r.dek_version,
  r.sealed`;
const newest = `NOT EXISTS (SELECT FROM records.access_request later
  WHERE later.tenant = r.tenant AND later.id = r.id AND later.version > r.version)`;

const read = (
  db: Queryable,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<Result<readonly RegisterRow[]>> =>
  attempt(async () => (await db.query<RawRow>({ name, text, values })).map(rowOf));

/** The requests of one patient, newest first, up to requestLimits.registerLines. */
export function requestsOf(
  db: Queryable,
  patient: Pseudonym,
): Promise<Result<readonly RegisterRow[]>> {
  const text = `SELECT ${columns} FROM records.access_request r
    WHERE r.compartment = $1 AND ${newest}
    ORDER BY r.asked_on DESC, r.id LIMIT ${requestLimits.registerLines}`;
  return read(db, "access-requests-of", text, [patient]);
}

/** The register: what is owed first, by its day; then what was closed last. Each up to the limit. */
export async function registerRows(db: Queryable): Promise<Result<readonly RegisterRow[]>> {
  const some = (isOpen: boolean, order: string): string => `SELECT ${columns}
    FROM records.access_request r WHERE ${isOpen ? "" : "NOT "}r.is_open AND ${newest}
    ORDER BY ${order} LIMIT ${requestLimits.registerLines}`;
  const open = await read(db, "access-requests-open", some(true, "r.due_on, r.id"), []);
  if (!open.ok) return open;
  const text = some(false, "r.changed_at DESC, r.id");
  const closed = await read(db, "access-requests-closed", text, []);
  return closed.ok ? ok([...open.value, ...closed.value]) : closed;
}

/** Null when there is no such request. */
export async function requestById(
  db: Queryable,
  id: ResourceId,
): Promise<Result<RegisterRow | null>> {
  if (parsePseudonym(id) === null) return ok(null);
  const text = `SELECT ${columns} FROM records.access_request r
    WHERE r.id = $1 ORDER BY r.version DESC LIMIT 1`;
  const found = await read(db, "access-request-by-id", text, [id]);
  return found.ok ? ok(found.value[0] ?? null) : found;
}

/**
 * Adds one version, in the transaction of its log entries; refused as "version-conflict" when
 * somebody else's stands there already.
 */
export async function writeAccessRequest(
  tx: Queryable,
  { row, changedAt }: AccessRequestWrite,
): Promise<WriteOutcome> {
  const { id, version, compartment, askedOn, dueOn, isOpen, dekVersion, sealed } = row;
  const added = await tx.query({
    name: "access-request-add",
    text: `INSERT INTO records.access_request
        (id, version, compartment, asked_on, due_on, is_open, changed_at, dek_version, sealed)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      ON CONFLICT DO NOTHING RETURNING version`,
    values: [
      id,
      version,
      compartment,
      askedOn,
      dueOn,
      isOpen,
      toIso(changedAt),
      dekVersion,
      sealed,
    ],
  });
  if (added.length === 0) return { ok: false, problem: problem("version-conflict"), row: 0 };
  return ok([{ kind: "unchanged", version, lastUpdated: changedAt }]);
}
