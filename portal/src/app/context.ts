import { createContext, use, useSyncExternalStore } from "react";
import type { Me } from "../../../src/core/wire.ts";
import type { Dates } from "../dates/dates.ts";
import type { RecoveryLink } from "../session/recovery-link.ts";
import type { Session, SessionState } from "../session/session.ts";

/** What the pages are given; made once, in main.tsx. */
export interface App {
  readonly session: Session;
  readonly dates: Dates;
  readonly origin: string;
  /** The token of a sign-up link, if the page was opened by one. */
  readonly enrolToken: string | null;
  readonly recovery: RecoveryLink;
  /** What comes of a sign-in that the page was opened to end; null when it was opened for another reason. */
  readonly arrival: ReturnType<Session["finish"]> | null;
  /** Whether the first page has been shown: from then on a new page takes the focus. */
  readonly visited: { first: boolean };
}

export const AppContext = createContext<App | null>(null);

/** Throws outside of the application: every page stands in it. */
export function useApp(): App {
  const app = use(AppContext);
  if (app === null) throw new Error("a page stands outside of the application");
  return app;
}

export function useSessionState(): SessionState {
  const { session } = useApp();
  return useSyncExternalStore(session.subscribe, session.state);
}

/** Who is signed in, and whose record is looked at. */
export interface SignedIn {
  readonly me: Me;
  /** FHIR id of the patient whose record "my record" is; null when there is none. */
  readonly patient: string | null;
  readonly choosePatient: (id: string) => void;
}

export const SignedInContext = createContext<SignedIn | null>(null);

/** Throws outside of the pages that need a session. */
export function useSignedIn(): SignedIn {
  const signedIn = use(SignedInContext);
  if (signedIn === null) throw new Error("a page for signed-in people stands outside of a session");
  return signedIn;
}
