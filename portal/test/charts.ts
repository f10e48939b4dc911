import type { ChartPairPage, ChartSide, StandingMergePage } from "../../src/core/wire.ts";

const first: ChartSide = {
  id: "chart-1",
  version: 3,
  name: "Zoë Margaret Haverford",
  birthDate: "2006-10-16",
  gender: "female",
  identifiers: ["HL00000008"],
  telecom: ["(508) 555-0165", "zoe.haverford7@example.org"],
  addresses: ["556 Orchard Road, Shrewsbury, MA 01545"],
  lastUpdated: "2025-11-02T09:00:00.000Z",
};

const second: ChartSide = {
  ...first,
  id: "chart-2",
  version: 1,
  name: "Zoe Haverfrod",
  identifiers: ["HL00000931"],
  telecom: ["508-555-0165"],
  addresses: ["12 Elm Street, Worcester, MA 01608"],
};

/** Two charts that look alike, as the server proposes them. */
export const madeUpPairs: ChartPairPage = {
  pairs: [
    {
      one: first,
      other: second,
      score: 0.9991,
      grade: "probable",
      evidence: [
        { field: "family", verdict: "slip", bits: 2.4 },
        { field: "given", verdict: "same", bits: 2.3 },
        { field: "birthDate", verdict: "same", bits: 9.5 },
        { field: "gender", verdict: "same", bits: 0.7 },
        { field: "phone", verdict: "same", bits: 0.1 },
        { field: "home", verdict: "differ", bits: -1.5 },
      ],
    },
  ],
  looked: 12,
  next: null,
};

export const madeUpMerges: StandingMergePage = {
  merges: [
    {
      id: "task-1",
      at: "2025-11-10T12:00:00.000Z",
      byYou: true,
      survivor: { ...first, id: "chart-3", name: "Ben Okafor", birthDate: "1961-12-24" },
      other: { ...second, id: "chart-4", name: "Benjamin Okafor", birthDate: "1961-12-24" },
    },
  ],
};
