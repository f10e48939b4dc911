import type { EmergencyLine, EmergencyPage, EmergencyWords } from "../../src/core/wire.ts";

const hoursFromNow = (hours: number): string =>
  new Date(Date.now() + hours * 3_600_000).toISOString();

const words: EmergencyWords = {
  patient: "ana",
  name: "Ana Ruiz",
  birthDate: "1980-02-03",
  who: "Dr. Dora Dale",
  byYou: false,
  reason: "Brought in unconscious after a fall from a ladder, no one with her.",
  count: 1,
  closedAt: null,
  review: null,
};

const line = (
  id: string,
  openedHoursAgo: number,
  more: Partial<EmergencyWords>,
): EmergencyLine => ({
  id,
  version: more.review === undefined ? 1 : 2,
  openedAt: hoursFromNow(-openedHoursAgo),
  endsAt: hoursFromNow(4 - openedHoursAgo),
  isOpen: openedHoursAgo < 4,
  isReviewed: more.review !== undefined,
  words: { ...words, ...more },
});

/** Cases as the officer has them: one that lasts, one of her own, one that she has looked into. */
export const madeUpCases: EmergencyPage = {
  openings: [
    line("open", 1, {}),
    line("third", 9, { name: "Ben Okafor", birthDate: "1961-12-24", count: 3 }),
    line("own", 30, { who: "You", byYou: true }),
    { ...line("gone", 300, {}), words: null },
    line("reviewed", 200, {
      review: {
        at: hoursFromNow(-190),
        byYou: true,
        finding: "justified",
        words: "The sheet of the emergency room has her at that hour.",
      },
    }),
  ],
};

/** What a clinician has open of the patient whose chart she reads. */
export const madeUpOpening: EmergencyPage = {
  openings: [line("mine", 1, { who: "You", byYou: true })],
};
