import { createBoundedCache } from "#core/bounded-cache.ts";
import { categoriesOf, labelsOf } from "#records/fhir/categories.ts";
import type { OpenedRow } from "#records/opening.ts";

/** What kind of data a resource is: for the log, and for policy. */
export interface Kinds {
  readonly categories: readonly string[];
  /** Sensitivity labels. */
  readonly labels: readonly string[];
}

export type KindsOf = (opened: OpenedRow) => Kinds;

const kindsRemembered = 20_000;
const none: Kinds = { categories: [], labels: [] };

/** AES-GCM's tag, which no two ciphertexts share but by a chance of 2^-128. */
const tagOf = ({ row }: OpenedRow): string => row.sealed.toString("latin1", row.sealed.length - 16);

/**
 * Tells the kinds of opened rows and remembers them: a ciphertext never changes what it holds, and
 * reading a resource only to name its kind costs more than opening it.
 */
export function createKindsOf(): KindsOf {
  const known = createBoundedCache<string, Kinds>(kindsRemembered);
  return (opened) => {
    if (opened.row.deleted) return none;
    const tag = tagOf(opened);
    const remembered = known.get(tag);
    if (remembered !== undefined) return remembered;
    const { value } = opened;
    const kinds =
      value === null ? none : { categories: categoriesOf(value), labels: labelsOf(value) };
    known.set(tag, kinds);
    return kinds;
  };
}
