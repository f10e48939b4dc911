import { createHmac, createSecretKey } from "node:crypto";

/** What is looked up by a keyed hash, so that the database shows neither names nor bearer ids. */
export type BlindKind =
  | "login"
  | "external-id"
  | "name"
  | "paper-code"
  | "paper-fact"
  | "attempt-login"
  | "attempt-address"
  | "attempt-recovery"
  | "enrolment-token"
  | "check-number"
  | "recovery-code"
  | "recovery-token"
  | "interaction"
  | "browser"
  | "browser-login"
  | "proven-browser"
  | "outside-state"
  | "outside-browser"
  | "outside-subject"
  | "oidc-id"
  | "oidc-grant"
  | "oidc-user-code"
  | "kiosk-set-up"
  | "kiosk-ticket"
  | "app-launch";

/** HMAC-SHA-256 under the process's own key, 32 bytes; the kind keeps equal texts of two kinds apart. */
export type Blind = (kind: BlindKind, text: string) => Buffer;

export function createBlind(keyBytes: Buffer): Blind {
  const key = createSecretKey(keyBytes);
  return (kind, text) => createHmac("sha256", key).update(kind).update("\0").update(text).digest();
}

/** One form for all spellings of a user name: compatibility forms and case do not count. */
export function normalLogin(login: string): string {
  return login.normalize("NFKC").trim().toLowerCase();
}
