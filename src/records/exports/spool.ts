import type { Pseudonym, ResourceId, TenantId } from "#core/ids.ts";
import type { Instant } from "#core/clock.ts";
import { ok, type Result } from "#core/result.ts";
import { addPiece } from "#records/exports/export-store.ts";
import { sealPiece, type PieceFacts, type PieceKind } from "#records/exports/piece.ts";
import type { Kinds } from "#records/kinds.ts";
import type { StoredRow } from "#records/store.ts";
import type { Queryable } from "#storage/database.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

export const spoolLimits = {
  /** Bytes after which a piece is sealed: what a fetch that broke off opens anew at most. */
  pieceBytes: 1024 * 1024,
  recordsPerPiece: 4_096,
} as const;

interface SpoolDeps {
  readonly db: Queryable;
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keyAt" | "openPack" | "packLoose">;
}

export interface SpoolPlace {
  readonly id: ResourceId;
  readonly compartment: Pseudonym;
  readonly endsAt: Instant;
  readonly key: DataKey;
}

/** Takes a copy's bytes as they come and lays them down sealed, a pack at a time. */
export class Spool {
  readonly #deps: SpoolDeps;
  readonly #place: SpoolPlace;
  #records: Buffer[] = [];
  #waiting = 0;
  #kinds = new Map<string, PieceKind>();
  #categories = new Set<string>();
  #counts = new Map<Compartment, number>();
  #isLaid = false;
  #all = { bytes: 0, pieces: 0, resources: 0 };

  constructor(place: SpoolPlace, deps: SpoolDeps) {
    this.#place = place;
    this.#deps = deps;
  }

  /** Bytes, pieces and resources that are laid down. */
  get total(): { readonly bytes: number; readonly pieces: number; readonly resources: number } {
    return this.#all;
  }

  /**
   * What the next bytes tell of. A form that is laid out as a whole notes everything first: then each
   * of its pieces tells of all of it, and the first alone counts it.
   */
  note({ type, compartment }: StoredRow, { labels, categories }: Kinds): void {
    if (this.#isLaid) {
      this.#kinds = new Map();
      this.#categories = new Set();
      this.#isLaid = false;
    }
    this.#kinds.set(JSON.stringify([type, labels]), { type, labels });
    for (const category of categories) this.#categories.add(category);
    this.#counts.set(compartment, (this.#counts.get(compartment) ?? 0) + 1);
    this.#all = { ...this.#all, resources: this.#all.resources + 1 };
  }

  async write(records: readonly Buffer[]): Promise<Result<null>> {
    for (const record of records) {
      this.#records.push(record);
      this.#waiting += record.length;
      const isFull =
        this.#waiting >= spoolLimits.pieceBytes ||
        this.#records.length >= spoolLimits.recordsPerPiece;
      const laid = isFull ? await this.flush() : ok(null);
      if (!laid.ok) return laid;
    }
    return ok(null);
  }

  async flush(): Promise<Result<null>> {
    if (this.#waiting === 0) return ok(null);
    const { compartment, id: copy, key } = this.#place;
    const { bytes: startsAt, pieces: place } = this.#all;
    const content = { facts: this.#facts(), records: this.#records };
    const sealed = await sealPiece(key, { compartment, copy, place }, content, this.#deps);
    if (!sealed.ok) return sealed;
    const bytes = this.#waiting;
    const { dekVersion } = key;
    const piece = { place, startsAt, bytes, dekVersion, sealed: sealed.value };
    const added = await addPiece(this.#deps.db, this.#place, piece);
    if (!added.ok) return added;
    this.#all = { ...this.#all, bytes: startsAt + bytes, pieces: place + 1 };
    this.#records = [];
    this.#waiting = 0;
    this.#counts = new Map();
    this.#isLaid = true;
    return ok(null);
  }

  #facts(): PieceFacts {
    const kinds = [...this.#kinds.values()];
    const counts = [...this.#counts].map(([compartment, count]) => ({ compartment, count }));
    return { kinds, categories: [...this.#categories].sort(), counts };
  }
}
