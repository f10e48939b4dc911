import { unreachable } from "#core/result.ts";
import type { Obligation, StepUp } from "#core/policy-request.ts";

type Annotations = Readonly<Record<string, string | null | undefined>>;

/** What an obliging policy's annotations say is wrong, in words for who wrote it. */
export type ReadObligation =
  | { readonly kind: "none" }
  | { readonly kind: "obligation"; readonly obligation: Obligation }
  | { readonly kind: "unreadable"; readonly detail: string };

const unreadable = (detail: string): ReadObligation => ({ kind: "unreadable", detail });

const highestLevel = 4;
const longestMaxAgeSeconds = 86_400;

function numberAfter(text: string, name: string, most: number): number | null {
  if (!text.startsWith(`${name}:`)) return null;
  const digits = text.slice(name.length + 1);
  const number = /^[1-9][0-9]{0,5}$/.test(digits) ? Number(digits) : null;
  return number !== null && number <= most ? number : null;
}

/** `level:1` to `level:4`, `max-age:` seconds up to a day, each once at most, with a blank between. */
function readNeeds(text: string): StepUp | null {
  let needs: StepUp = { level: null, maxAgeSeconds: null };
  for (const word of text.split(" ")) {
    const level = numberAfter(word, "level", highestLevel);
    const maxAgeSeconds = numberAfter(word, "max-age", longestMaxAgeSeconds);
    if (level !== null && needs.level === null) needs = { ...needs, level };
    else if (maxAgeSeconds !== null && needs.maxAgeSeconds === null)
      needs = { ...needs, maxAgeSeconds };
    else return null;
  }
  return needs;
}

/** Reads `@obligation` and `@needs` of one policy; whatever is not understood is unreadable. */
export function readObligation(annotations: Annotations): ReadObligation {
  const { obligation, needs } = annotations;
  switch (obligation) {
    case undefined:
    case null:
      return needs === undefined
        ? { kind: "none" }
        : unreadable("@needs stands without @obligation");
    case "step-up": {
      const read = readNeeds(needs ?? "");
      return read === null
        ? unreadable(`@needs of a step-up is "level:N", "max-age:SECONDS" or both`)
        : { kind: "obligation", obligation: { kind: "step-up", needs: read } };
    }
    case "review":
      return needs === undefined
        ? { kind: "obligation", obligation: { kind: "review" } }
        : unreadable("a review needs nothing");
    default:
      return unreadable("@obligation is unknown");
  }
}

const least = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);
const most = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

/** Each kind once: of several step-ups the strictest of each need. */
export function combined(obligations: readonly Obligation[]): readonly Obligation[] {
  const needs = obligations.flatMap((each) => (each.kind === "step-up" ? [each.needs] : []));
  const strictest = needs.reduce<StepUp>(
    (one, other) => ({
      level: most(one.level, other.level),
      maxAgeSeconds: least(one.maxAgeSeconds, other.maxAgeSeconds),
    }),
    { level: null, maxAgeSeconds: null },
  );
  const isForReview = obligations.some(({ kind }) => kind === "review");
  return [
    ...(needs.length === 0 ? [] : [{ kind: "step-up", needs: strictest } as const]),
    ...(isForReview ? [{ kind: "review" } as const] : []),
  ];
}

/** As the log names it, e.g. "step-up level:3 max-age:900". */
export function obligationText(obligation: Obligation): string {
  switch (obligation.kind) {
    case "review":
      return "review";
    case "step-up": {
      const { level, maxAgeSeconds } = obligation.needs;
      const words = [
        level === null ? [] : [`level:${level}`],
        maxAgeSeconds === null ? [] : [`max-age:${maxAgeSeconds}`],
      ];
      return ["step-up", ...words.flat()].join(" ");
    }
    default:
      return unreachable(obligation);
  }
}
