import { at, list, readEach, text } from "../fhir/json.ts";

/** One person's leave to act for another. */
export interface Grant {
  readonly id: string;
  /** Of the other person. */
  readonly name: string | null;
  readonly kind: string;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  /** Whether the one who was invited has yet to come. */
  readonly isWaiting: boolean;
}

export interface Grants {
  /** Who acts for me. */
  readonly forMe: readonly Grant[];
  /** For whom I act. */
  readonly byMe: readonly Grant[];
}

function readGrant(value: unknown): Grant | null {
  const id = text(at(value, "id"));
  if (id === null) return null;
  return {
    id,
    name: text(at(value, "name")),
    kind: text(at(value, "kind")) ?? "",
    startsAt: text(at(value, "startsAt")),
    endsAt: text(at(value, "endsAt")),
    isWaiting: at(value, "state") === "invited",
  };
}

/** Reads GET /api/identity/account/proxies; null when it is no such answer. */
export function readGrants(body: unknown): Grants | null {
  const [forMe, byMe] = [at(body, "forMe"), at(body, "byMe")];
  if (!Array.isArray(forMe) || !Array.isArray(byMe)) return null;
  return { forMe: readEach(list(forMe), readGrant), byMe: readEach(list(byMe), readGrant) };
}
