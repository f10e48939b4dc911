import { parseRingFile } from "#keys/ring-file.ts";

/** What a ring file in the clear tells of itself; whether it is genuine shows when it is opened. */
export interface RingFacts {
  readonly ring: string;
  /** Rising. */
  readonly epochs: readonly number[];
}

/** Null when the text has not the form of a ring file. */
export function ringFacts(text: string): RingFacts | null {
  const parsed = parseRingFile(text);
  if (parsed === null) return null;
  const { ring, epochs } = parsed.contents;
  return { ring, epochs: epochs.map(({ epoch }) => epoch) };
}

/**
 * Whether putting `back` in place of `there` would lose an epoch or bring back one that was
 * destroyed, with all that was shredded under it; null when they are two different rings.
 */
export function isOlder(back: RingFacts, there: RingFacts): boolean | null {
  if (back.ring !== there.ring) return null;
  const newest = ({ epochs }: RingFacts): number => epochs.at(-1) ?? 0;
  const oldest = ({ epochs }: RingFacts): number => epochs[0] ?? 0;
  return newest(back) < newest(there) || oldest(back) < oldest(there);
}
