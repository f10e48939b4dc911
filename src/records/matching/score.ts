import { fields, type Comparison } from "#records/matching/compare.ts";
import { priorBits, weights } from "#records/matching/weights.ts";

/** match-grade of R4: how sure it is that two are one person. */
export const grades = ["certain", "probable", "possible", "certainly-not"] as const;
export type Grade = (typeof grades)[number];

/** One field's part in the score. */
export interface Evidence {
  readonly field: keyof Comparison;
  readonly verdict: string;
  /** Bits for (above zero) or against (below) that the two are one person. */
  readonly bits: number;
}

export interface Score {
  /** 0 to 1: how likely the two are one person, among those whom the look-up brings together. */
  readonly score: number;
  readonly grade: Grade;
  readonly evidence: readonly Evidence[];
}

/** From these likelihoods on; measured by `bench/matching.ts`. */
export const thresholds = { certain: 0.9999, probable: 0.95, possible: 0.2 } as const;

/** Two who share a home share its telephone, and often the mail: only the strongest of them counts in full. */
const household: ReadonlySet<keyof Comparison> = new Set(["phone", "email", "home"]);

function bitsOf(comparison: Comparison, field: keyof Comparison): number {
  const known: Readonly<Record<string, number>> = weights[field];
  return known[comparison[field]] ?? 0;
}

function total(evidence: readonly Evidence[]): number {
  const shared = evidence.filter(({ field, bits }) => household.has(field) && bits > 0);
  const strongest = Math.max(0, ...shared.map(({ bits }) => bits));
  const sharedBits = shared.reduce((sum, { bits }) => sum + bits, 0);
  const all = evidence.reduce((sum, { bits }) => sum + bits, priorBits);
  return all - sharedBits + strongest + (sharedBits - strongest) / 2;
}

/** Nothing that speaks plainly against it may stand beside a "certain". */
function isContradicted({ lifelong, given, birthDate, birthOrder, gender }: Comparison): boolean {
  return [lifelong, given, birthDate, birthOrder, gender].includes("differ");
}

/** A name and a birth date, or a number for life: without, two may agree in little by chance. */
function isKnownWell({ identifier, lifelong, family, given, birthDate }: Comparison): boolean {
  if (identifier === "same" || lifelong === "same") return true;
  return family !== "unknown" && given !== "unknown" && birthDate === "same";
}

function gradeOf(comparison: Comparison, score: number): Grade {
  if (score >= thresholds.certain && isKnownWell(comparison) && !isContradicted(comparison))
    return "certain";
  if (score >= thresholds.probable) return "probable";
  return score >= thresholds.possible ? "possible" : "certainly-not";
}

/** Weighs a comparison by Fellegi and Sunter: each field's bits added up, and from them the likelihood. */
export function scoreOf(comparison: Comparison): Score {
  const evidence = fields
    .map((field) => ({ field, verdict: comparison[field], bits: bitsOf(comparison, field) }))
    .filter(({ verdict }) => verdict !== "unknown");
  const score = 1 / (1 + 2 ** -total(evidence));
  return { score, grade: gradeOf(comparison, score), evidence };
}
