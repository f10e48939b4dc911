import { at, text } from "../fhir/json.ts";

/** An invitation as it was made: its secrets are told this one time. */
export interface Invitation {
  /** Path with the token in its fragment; null for an envelope. */
  readonly enrolPath: string | null;
  /** The code to write on paper; null when there is none. */
  readonly code: string | null;
  readonly name: string | null;
  readonly endsAt: string | null;
}

/** Reads the answer to making an invitation; null when it holds neither a link of ours nor a code. */
export function readInvitation(body: unknown): Invitation | null {
  const enrolPath = text(at(body, "enrolPath"));
  const code = text(at(body, "paperCode"));
  if (enrolPath === null ? code === null : !enrolPath.startsWith("/enrol#")) return null;
  return {
    enrolPath,
    code,
    name: text(at(body, "displayName")),
    endsAt: text(at(body, "endsAt")),
  };
}
