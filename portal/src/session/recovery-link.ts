/** The way back that this browser knows of. */
export interface RecoveryLink {
  /** Null when there is none. */
  readonly token: string | null;
  readonly isKept: (token: string) => boolean;
  /** Keeps it past the closing of the browser; a person must have asked for it. */
  readonly keep: (token: string) => void;
  readonly forget: () => void;
}

const name = "phylax.recovery";

/** `linked` is the token of the link that the page was opened by; else what was kept counts. */
export function createRecoveryLink(storage: Storage, linked: string | null): RecoveryLink {
  return {
    token: linked ?? storage.getItem(name),
    isKept: (token) => storage.getItem(name) === token,
    keep: (token) => storage.setItem(name, token),
    forget: () => storage.removeItem(name),
  };
}
