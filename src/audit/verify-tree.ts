import type { Findings } from "#audit/finding.ts";
import { tileWidth, type Tile } from "#audit/tile.ts";
import { emptyTree, grow, rootOf, type Tree } from "#audit/tree.ts";

/** A position whose leaf does not hash to what tile or column recorded of it. */
interface Difference {
  readonly index: number;
  /** Of the leaf as it is stored now; null when the row is gone. */
  readonly stored: Buffer | null;
  readonly recorded: Buffer | null;
  readonly byTile: boolean;
}

/** Consecutive leaf hashes, from two sources. */
export interface LeafRun {
  readonly from: number;
  readonly stored: readonly (Buffer | null)[];
  readonly recorded: readonly (Buffer | null)[];
  /** Whether `recorded` comes from a tile, not from the column beside the leaf. */
  readonly byTile: boolean;
}

/**
 * Grows two trees, one of the leaves as they are stored and one of the hashes recorded of them,
 * and lets each signed checkpoint decide which of the two was signed.
 */
export interface Tracker {
  /** Adds leaves; answers the tiles above the foot that became full, if they can be trusted. */
  add(run: LeafRun): readonly Tile[];
  /** Holds the trees, as large as they are now, against a root whose signature was checked. */
  check(root: Buffer): void;
  /** Reports leaves about which no checkpoint decided. */
  end(): void;
  /** Number of leaves up to which everything was as signed. */
  readonly proven: number;
}

/** Differences that are kept while no checkpoint has decided about them. */
const maxOpen = 10_000;

function growBy(tree: Tree | null, hashes: readonly (Buffer | null)[]) {
  const whole = hashes.filter((hash) => hash !== null);
  return tree === null || whole.length < hashes.length ? null : grow(tree, whole);
}

function differences({ from, stored, recorded, byTile }: LeafRun): readonly Difference[] {
  return stored.flatMap((hash, at) => {
    const other = recorded[at] ?? null;
    const same = hash !== null && other !== null && hash.equals(other);
    return same ? [] : [{ index: from + at, stored: hash, recorded: other, byTile }];
  });
}

/** The leaves are as signed, so what was recorded of them was tampered with. */
function reportRecords(open: readonly Difference[], findings: Findings): void {
  const tiles = new Set<number>();
  for (const { index, byTile } of open) {
    if (byTile) tiles.add(Math.floor(index / tileWidth));
    else findings.add({ kind: "column-changed", index, column: "leaf_hash" });
  }
  for (const index of tiles) findings.add({ kind: "tile-changed", level: 0, index });
}

function ranges(indices: readonly number[]): readonly { from: number; until: number }[] {
  const found: { from: number; until: number }[] = [];
  for (const index of indices) {
    const last = found.at(-1);
    if (last?.until === index) last.until += 1;
    else found.push({ from: index, until: index + 1 });
  }
  return found;
}

function reportMissing(open: readonly Difference[], findings: Findings): void {
  const gone = open.filter((each) => each.stored === null).map((each) => each.index);
  for (const range of ranges(gone)) findings.add({ kind: "entries-missing", ...range });
}

/** The records are as signed: says of each leaf that is not where it belongs, if it is known at all. */
function reportLeaves(open: readonly Difference[], findings: Findings): void {
  reportMissing(open, findings);
  const belongs = new Map(open.map((each) => [each.recorded?.toString("hex"), each.index]));
  for (const { index, stored } of open) {
    if (stored === null) continue;
    const place = belongs.get(stored.toString("hex"));
    if (place === undefined) findings.add({ kind: "entry-changed", index });
    else findings.add({ kind: "entry-moved", index, belongs: place });
  }
}

export function createTracker(findings: Findings): Tracker {
  let stored: Tree | null = emptyTree;
  let recorded: Tree | null = emptyTree;
  let open: Difference[] = [];
  let size = 0;
  let proven = 0;
  let lost = false;

  const settle = (tree: Tree): void => {
    [stored, recorded, open, proven] = [tree, tree, [], size];
  };

  const giveUp = (): void => {
    // What follows cannot match either, so it is said once.
    if (!lost) findings.add({ kind: "entries-unproven", from: proven, until: size });
    lost = true;
  };

  return {
    add: (run) => {
      size += run.stored.length;
      const found = differences(run);
      open.push(...found.slice(0, maxOpen - open.length));
      const grown = growBy(stored, run.stored);
      const shared = stored === recorded && found.length === 0;
      const other = shared ? grown : growBy(recorded, run.recorded);
      stored = grown?.tree ?? null;
      recorded = other?.tree ?? null;
      if (lost || open.length > 0) return [];
      return (grown?.tiles ?? []).filter((tile) => tile.level > 0);
    },
    check: (root) => {
      if (lost) return;
      if (stored !== null && rootOf(stored).equals(root)) {
        reportRecords(open, findings);
        settle(stored);
      } else if (recorded !== null && rootOf(recorded).equals(root)) {
        reportLeaves(open, findings);
        settle(recorded);
      } else {
        reportMissing(open, findings);
        giveUp();
      }
    },
    end: () => {
      if (open.length > 0) giveUp();
      else if (!lost && proven < size)
        findings.add({ kind: "entries-unsigned", from: proven, until: size });
    },
    get proven() {
      return proven;
    },
  };
}
