import type { Me } from "../../../src/core/wire.ts";
import { done, fail, failureOf, failureOfThrown, problemFailure } from "../api/failure.ts";
import type { Outcome } from "../api/failure.ts";
import { readMe } from "./me.ts";
import type { Asking, Protocol, Wanted } from "./oauth.ts";
import { keepPending, takePending } from "./pending.ts";
import { createTokenKeeper } from "./tokens.ts";

export type SessionState =
  /** The page was just loaded: nobody knows yet whether there is a session. */
  | { readonly state: "unknown" }
  | { readonly state: "leaving" }
  | { readonly state: "open"; readonly me: Me }
  /** `isTold` is false when the server could not be told of a sign-out: its session goes on a while. */
  | { readonly state: "closed"; readonly reason: CloseReason; readonly isTold: boolean };

export type CloseReason = "none" | "ended" | "idle" | "signed-out";

export interface Session {
  readonly state: () => SessionState;
  /** Returns the way to stop listening. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Leaves for the sign-in pages. */
  signIn(returnTo: string): Promise<Outcome<null>>;
  /** Leaves for the sign-in pages, which ask anew even a person who is signed in. */
  proveAgain(returnTo: string): Promise<Outcome<null>>;
  /** Asks whether there is a session, without asking the person; leaves the page and comes back. */
  resume(returnTo: string): Promise<Outcome<null>>;
  /** Ends either way of leaving. Gives the page to go on to. */
  finish(answer: URL): Promise<{ readonly outcome: Outcome<null>; readonly returnTo: string }>;
  readonly get: (
    path: string,
    how?: Pick<Wanted, "accept" | "signal" | "fromByte">,
  ) => Promise<Outcome<Response>>;
  /** Sends JSON. */
  readonly post: (path: string, body: object) => Promise<Outcome<Response>>;
  /** Changes or removes what stands at a path. */
  readonly send: (
    method: "PATCH" | "DELETE",
    path: string,
    body?: object,
  ) => Promise<Outcome<Response>>;
  /** Tells the server that the person is still here; brings `me` up to date. */
  stay(): Promise<Outcome<null>>;
  /** Ends the session on every device; the page shows nothing from the first moment on. */
  end(reason: "signed-out" | "idle"): Promise<Outcome<null>>;
  close(reason: CloseReason): void;
  /** When the server last answered this session, ms since the epoch. */
  lastAnsweredMs(): number;
}

export interface SessionDeps {
  readonly protocol: Protocol;
  readonly storage: Storage;
  /** Tells the other tabs of this browser; their messages come by `close`. */
  readonly announceEnd: (reason: CloseReason) => void;
  readonly leaveFor: (url: string) => void;
  readonly isOnline: () => boolean;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}

export function createSession(deps: SessionDeps): Session {
  const { protocol, storage, announceEnd, leaveFor, isOnline, nowMs, monotonicMs } = deps;
  const tokens = createTokenKeeper(protocol.refresh, monotonicMs);
  const listeners = new Set<() => void>();
  let state: SessionState = { state: "unknown" };
  let answeredMs = 0;

  const become = (next: SessionState): void => {
    state = next;
    for (const listener of listeners) listener();
  };
  const close = (reason: CloseReason, isTold = true): void => {
    tokens.drop();
    if (state.state !== "closed") become({ state: "closed", reason, isTold });
  };
  const ended = (): void => close(state.state === "open" ? "ended" : "none");

  const leave = async (returnTo: string, asking: Asking): Promise<Outcome<null>> => {
    if (state.state === "leaving") return done(null);
    if (!isOnline()) return fail({ kind: "offline" });
    const before = state;
    become({ state: "leaving" });
    try {
      const { url, pending } = await protocol.begin({ returnTo, asking });
      keepPending(storage, pending);
      leaveFor(url);
      return done(null);
    } catch {
      become(before);
      return fail(problemFailure("no-browser-storage"));
    }
  };

  const send = async (wanted: Wanted): Promise<Outcome<Response>> => {
    const token = await tokens.current();
    if (!token.ok) return token;
    const first = await protocol.request(token.value, wanted);
    if (first.status !== 401) return done(first);
    const failure = await failureOf(first.clone());
    const isOld = failure.kind === "problem" && failure.code.startsWith("token-");
    if (!isOld) return done(first);
    const fresh = await tokens.renewed();
    return fresh.ok ? done(await protocol.request(fresh.value, wanted)) : fresh;
  };

  const request = async (wanted: Wanted): Promise<Outcome<Response>> => {
    try {
      const sent = await send(wanted);
      if (sent.ok && sent.value.ok) {
        answeredMs = nowMs();
        return sent;
      }
      const failure = sent.ok ? await failureOf(sent.value) : sent.failure;
      if (failure.kind === "signed-out") ended();
      return fail(failure);
    } catch (error) {
      return fail(failureOfThrown(error));
    }
  };

  const stay = async (): Promise<Outcome<null>> => {
    const answer = await request({ method: "GET", path: "/api/identity/me" });
    if (!answer.ok) return answer;
    const me = readMe(await answer.value.json().catch(() => null));
    if (me === null) return fail(problemFailure("unexpected"));
    become({ state: "open", me });
    return done(null);
  };

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    signIn: (returnTo) => leave(returnTo, "when-needed"),
    proveAgain: (returnTo) => leave(returnTo, "anew"),
    resume: (returnTo) => leave(returnTo, "never"),
    finish: async (answer) => {
      const pending = takePending(storage);
      if (pending === null) {
        return { outcome: fail(problemFailure("sign-in-broken")), returnTo: "/home" };
      }
      const { returnTo } = pending;
      const granted = await protocol.exchange(answer, pending);
      if (!granted.ok) {
        if (granted.failure.kind === "signed-out") close("none");
        return { outcome: granted, returnTo };
      }
      tokens.hold(granted.value);
      return { outcome: await stay(), returnTo };
    },
    get: (path, how = {}) => request({ method: "GET", path, ...how }),
    post: (path, body) => request({ method: "POST", path, json: JSON.stringify(body) }),
    send: (method, path, body) =>
      request({ method, path, ...(body === undefined ? {} : { json: JSON.stringify(body) }) }),
    stay,
    end: async (reason) => {
      become({ state: "leaving" });
      const told = await request({
        method: "POST",
        path: "/api/identity/sign-out",
        // Who merely left the screen alone keeps her summary; whoever signs out does not.
        ...(reason === "idle" ? { json: JSON.stringify({ idle: true }) } : {}),
      });
      close(reason, told.ok || told.failure.kind === "signed-out");
      announceEnd(reason);
      return told.ok ? done(null) : told;
    },
    close,
    lastAnsweredMs: () => answeredMs,
  };
}
