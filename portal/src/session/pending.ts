import { at, text } from "../fhir/json.ts";
import { returnPath } from "./return-path.ts";

/** A sign-in under way: it must survive the way to the sign-in pages and back, in this tab only. */
export interface Pending {
  readonly state: string;
  /** PKCE code verifier (RFC 7636 §4.1). */
  readonly verifier: string;
  readonly returnTo: string;
}

const name = "phylax.sign-in";

export function keepPending(storage: Storage, pending: Pending): void {
  storage.setItem(name, JSON.stringify(pending));
}

/** Takes it out, as it is good for one answer only. Null when there is none. */
export function takePending(storage: Storage): Pending | null {
  const kept = storage.getItem(name);
  storage.removeItem(name);
  return kept === null ? null : readPending(kept);
}

function readPending(json: string): Pending | null {
  try {
    const value: unknown = JSON.parse(json);
    const state = text(at(value, "state"));
    const verifier = text(at(value, "verifier"));
    if (state === null || verifier === null) return null;
    return { state, verifier, returnTo: returnPath(text(at(value, "returnTo"))) };
  } catch {
    return null;
  }
}
