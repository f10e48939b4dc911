import { unreachable } from "#core/result.ts";

/** One thing that is wrong with a stored log. Ranges do not include `until`. */
export type Finding =
  /** The stored leaf is not the one that was signed. */
  | { readonly kind: "entry-changed"; readonly index: number }
  /** The leaf that stands at `index` was signed as that of `belongs`. */
  | { readonly kind: "entry-moved"; readonly index: number; readonly belongs: number }
  | { readonly kind: "entries-missing"; readonly from: number; readonly until: number }
  /** Somewhere in this range entries are not those signed; there is nothing left to tell which. */
  | { readonly kind: "entries-unproven"; readonly from: number; readonly until: number }
  /** Added past the newest checkpoint. */
  | { readonly kind: "entries-unsigned"; readonly from: number; readonly until: number }
  | { readonly kind: "log-truncated"; readonly signed: number; readonly present: number }
  /** The leaf is as signed, but a column says otherwise. */
  | { readonly kind: "column-changed"; readonly index: number; readonly column: string }
  /** The leaf is as signed, but no entry of this program. */
  | { readonly kind: "leaf-unreadable"; readonly index: number }
  | { readonly kind: "checkpoint-invalid"; readonly size: number }
  | { readonly kind: "tile-changed"; readonly level: number; readonly index: number }
  | { readonly kind: "tiles-surplus"; readonly level: number; readonly count: number };

const range = (from: number, until: number): string =>
  until - from === 1 ? `entry ${from}` : `entries ${from} to ${until - 1}`;

/** The finding in one plain sentence. */
export function describeFinding(finding: Finding): string {
  switch (finding.kind) {
    case "entry-changed":
      return `entry ${finding.index} was changed after it was signed`;
    case "entry-moved":
      return `entry ${finding.index} was moved: it was signed as entry ${finding.belongs}`;
    case "entries-missing":
      return `${range(finding.from, finding.until)} removed`;
    case "entries-unproven":
      return `${range(finding.from, finding.until)} not as signed: changed, moved or replaced`;
    case "entries-unsigned":
      return `${range(finding.from, finding.until)} added without a signature`;
    case "log-truncated":
      return `the log ends after ${finding.present} entries, but ${finding.signed} were signed`;
    case "column-changed":
      return `column ${finding.column} of entry ${finding.index} does not say what was signed`;
    case "leaf-unreadable":
      return `entry ${finding.index} is as signed but cannot be read`;
    case "checkpoint-invalid":
      return `the checkpoint of size ${finding.size} carries no valid signature of a known key`;
    case "tile-changed":
      return `hash tile ${finding.level}/${finding.index} is missing or was changed`;
    case "tiles-surplus":
      return `${finding.count} hash tiles of level ${finding.level} too many`;
    default:
      return unreachable(finding);
  }
}

/** Collects findings up to a limit, so that a log that is wrong all over does not fill the memory. */
export interface Findings<F = Finding> {
  add(finding: F): void;
  /** All that were added, also those beyond the limit. */
  readonly count: number;
  readonly kept: readonly F[];
}

export function createFindings<F = Finding>(max: number): Findings<F> {
  const kept: F[] = [];
  let count = 0;
  return {
    kept,
    add: (finding) => {
      count += 1;
      if (kept.length < max) kept.push(finding);
    },
    get count() {
      return count;
    },
  };
}
