import { at, text } from "../fhir/json.ts";

/** An invitation as it was made: its secrets are told this one time. */
export interface Invitation {
  /** Path with the token in its fragment. */
  readonly enrolPath: string;
  /** The code to write on paper; null when there is none. */
  readonly code: string | null;
  readonly name: string | null;
  readonly endsAt: string | null;
}

/** Reads the answer to making an invitation; null when it holds no link of ours. */
export function readInvitation(body: unknown): Invitation | null {
  const enrolPath = text(at(body, "enrolPath"));
  if (enrolPath === null || !enrolPath.startsWith("/enrol#")) return null;
  return {
    enrolPath,
    code: text(at(body, "paperCode")),
    name: text(at(body, "displayName")),
    endsAt: text(at(body, "endsAt")),
  };
}
