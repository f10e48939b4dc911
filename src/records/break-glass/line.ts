import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { EmergencyLine, EmergencyWords } from "#core/wire.ts";
import { isOpenAt, type EmergencyOpening } from "#records/break-glass/opening.ts";
import type { OpeningRow } from "#records/break-glass/opening-row.ts";

export interface Reader {
  readonly account: AccountId;
  readonly at: Instant;
  /** In plain words, who an account is. */
  readonly nameOf: (account: AccountId) => string;
}

function wordsOf(opening: EmergencyOpening, { account, nameOf }: Reader): EmergencyWords {
  const { patient, person, reason, count, closedAt, review } = opening;
  return {
    patient,
    ...person,
    who: nameOf(opening.account),
    byYou: opening.account === account,
    reason,
    count,
    closedAt: closedAt === null ? null : toIso(closedAt),
    review:
      review === null
        ? null
        : {
            at: review.at,
            byYou: review.account === account,
            finding: review.finding,
            words: review.words,
          },
  };
}

/** What a reader is told of one opening. */
export function lineOf(
  row: OpeningRow,
  opening: EmergencyOpening | null,
  reader: Reader,
): EmergencyLine {
  const { id, version, openedAt, endsAt, isReviewed } = row;
  return {
    id,
    version,
    openedAt: toIso(openedAt),
    endsAt: toIso(endsAt),
    isOpen: isOpenAt(row, reader.at),
    isReviewed,
    words: opening === null ? null : wordsOf(opening, reader),
  };
}
