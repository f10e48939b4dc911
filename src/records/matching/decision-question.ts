import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { ChartDecision } from "#records/matching/merge-store.ts";

export const decisionLimits = {
  bodyBytes: 16 * 1024,
  reasonCharacters: 2_000,
} as const;

/** What somebody wants to decide, and on which versions of the two Patients she looked. */
export interface DecisionQuestion {
  readonly kind: ChartDecision["kind"];
  readonly survivor: ResourceId;
  readonly survivorVersion: number;
  readonly other: ResourceId;
  readonly otherVersion: number;
  readonly reason: string;
}

const kinds = ["merge", "unmerge", "distinct"] as const satisfies readonly ChartDecision["kind"][];

const wrong = (at: string, detail: string): Result<never> =>
  refuse("parameter-invalid", { at, detail });

const idIn = (value: unknown): ResourceId | null =>
  typeof value === "string" ? parseResourceId(value) : null;

const isVersion = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value > 0;

/** Reads the body of a decision; fails as "json-broken" or "parameter-invalid", naming the key. */
export function parseDecision(text: string): Result<DecisionQuestion> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refuse("json-broken");
  }
  if (!isRecord(body)) return refuse("parameter-invalid", { detail: "is an object" });
  const kind = kinds.find((known) => known === body["kind"]);
  if (kind === undefined) return wrong("kind", `is one of ${kinds.join(", ")}`);
  const survivor = idIn(body["survivor"]);
  if (survivor === null) return wrong("survivor", "is the id of a Patient");
  const other = idIn(body["other"]);
  if (other === null || other === survivor) return wrong("other", "is the id of another Patient");
  const { survivorVersion, otherVersion, reason } = body;
  if (!isVersion(survivorVersion)) return wrong("survivorVersion", "is a version");
  if (!isVersion(otherVersion)) return wrong("otherVersion", "is a version");
  if (typeof reason !== "string" || reason.trim() === "") return wrong("reason", "is required");
  if (reason.length > decisionLimits.reasonCharacters)
    return wrong("reason", `has ${decisionLimits.reasonCharacters} characters at most`);
  return ok({ kind, survivor, survivorVersion, other, otherVersion, reason: reason.trim() });
}
