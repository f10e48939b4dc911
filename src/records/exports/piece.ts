import { parseResourceType, type Pseudonym, type ResourceId, type TenantId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { problem } from "#core/problem.ts";
import { failed, invariant, ok, type Result } from "#core/result.ts";
import type { Compartment, DataKey, RecordPlace, Vault } from "#vault/vault.ts";

/** A kind of data in a piece: policy is asked of each again when the piece is fetched. */
export interface PieceKind {
  readonly type: string;
  readonly labels: readonly string[];
}

/** What the log is told when a piece leaves; lies sealed with it. */
export interface PieceFacts {
  readonly kinds: readonly PieceKind[];
  readonly categories: readonly string[];
  /** Resources by whose they are: of the record, of the person's other charts, of the organisation. */
  readonly counts: readonly { readonly compartment: Compartment; readonly count: number }[];
}

export interface Piece {
  readonly facts: PieceFacts;
  readonly bytes: Buffer;
}

export interface PiecePlace {
  readonly compartment: Pseudonym;
  readonly copy: ResourceId;
  /** From 0. */
  readonly place: number;
}

/** No FHIR type: a piece is a pack, and no pack opens as a record, but so it is plain to read. */
const pieceType = parseResourceType("CopyOfRecord");

function recordPlace(
  { compartment, copy, place }: PiecePlace,
  tenant: TenantId,
  dekVersion: number,
): RecordPlace {
  invariant(pieceType !== null, "a piece has a type");
  return { tenant, compartment, type: pieceType, id: copy, version: place + 1, dekVersion };
}

interface PieceDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keyAt" | "openPack" | "packLoose">;
}

/** The piece as one sealed message: its facts, then every record's own bytes. Fails as packLoose does. */
export function sealPiece(
  key: DataKey,
  place: PiecePlace,
  content: { readonly facts: PieceFacts; readonly records: readonly Buffer[] },
  { tenant, vault }: PieceDeps,
): Promise<Result<Buffer>> {
  const facts = Buffer.from(JSON.stringify(content.facts), "utf8");
  const where = recordPlace(place, tenant, key.dekVersion);
  return vault.packLoose(key, where, [facts, ...content.records]);
}

function parseFacts(text: string): PieceFacts {
  const value: unknown = JSON.parse(text);
  invariant(isRecord(value) && Array.isArray(value["kinds"]), "a sealed piece has its facts");
  return value as unknown as PieceFacts;
}

/** Fails as "record-shredded" or "record-damaged". */
export async function openPiece(
  stored: PiecePlace & { readonly dekVersion: number; readonly sealed: Buffer },
  { tenant, vault }: PieceDeps,
): Promise<Result<Piece>> {
  const key = await vault.keyAt(stored.compartment, stored.dekVersion);
  if (!key.ok) return key;
  const where = recordPlace(stored, tenant, stored.dekVersion);
  const records = vault.openPack(key.value, where, stored.sealed);
  const [facts, ...content] = records ?? [];
  return facts === undefined
    ? failed(problem("record-damaged"))
    : ok({ facts: parseFacts(facts.toString("utf8")), bytes: Buffer.concat(content) });
}
