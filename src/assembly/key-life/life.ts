import type { Clock } from "#core/clock.ts";
import type { Pseudonym, ResourceId, TenantId } from "#core/ids.ts";
import type { KeyOperator } from "#core/key-service.ts";
import type { Result } from "#core/result.ts";
import type { Database } from "#storage/database.ts";

/** One step of work on keys, for the log. */
export interface KeyEvent {
  readonly action:
    | "key-rotate"
    | "key-reseal"
    | "key-shred"
    | "key-move"
    | "key-backup"
    | "key-restore";
  readonly patient: Pseudonym | null;
  /** Names of what happened, such as "begun" or "kek-epoch-3"; no free text. */
  readonly reasons: readonly string[];
  /** Keys or rows touched. */
  readonly count: number;
}

export interface Resealed {
  /** Patients that have a new key now. */
  readonly done: number;
  /** Where to go on; null when nothing is left. */
  readonly next: string | null;
  /** Rows sealed anew. */
  readonly rows: number;
  /** Rows that did not open and were left as they are. */
  readonly damaged: number;
}

/** What the records process does at an operator's word. Each call fails with its problem, or "upstream-unavailable". */
export interface RecordsDesk {
  /** The name under which a patient stands in rows and keys; exists for ids that nobody has, too. */
  pseudonymOf(patient: ResourceId): Promise<Result<Pseudonym>>;
  /** Forgets keys that are in memory; null forgets all. */
  evict(compartments: readonly string[] | null): Promise<Result<null>>;
  /** Writes one durable entry of the log. */
  log(event: KeyEvent): Promise<Result<null>>;
  /** Seals the rows of the next `limit` patients under new keys; null means all patients. */
  reseal(
    patients: readonly Pseudonym[] | null,
    after: string | null,
    limit: number,
  ): Promise<Result<Resealed>>;
}

/** All that work on keys needs. */
export interface KeyLife {
  /** Enters as phylax_keeper. */
  readonly db: Database;
  readonly keys: KeyOperator;
  readonly desk: RecordsDesk;
  readonly tenant: TenantId;
  readonly clock: Clock;
  /** Outlive the command, so that the next one goes on where it ended. */
  readonly notes: WorkNotes;
  /** Makes a backup of the keys and answers its path; it holds what the ring has at that moment. */
  readonly backUp: () => Promise<Result<string>>;
  /** Removes older backups from where `backUp` puts them, and answers how many. */
  readonly removeOldBackups: (newest: string) => Promise<Result<number>>;
}

/** Small texts by name, each written whole or not at all. */
export interface WorkNotes {
  read(name: string): string | null;
  write(name: string, text: string): void;
  remove(name: string): void;
}

/** Called now and then while a long step goes on; `total` may grow. */
export type OnProgress = (done: number, total: number) => void;

/** Says that a step has begun, in words for the person at the terminal. */
export type OnStep = (text: string) => void;
