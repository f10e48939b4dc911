import "./design/tokens.css";
import "./design/base.css";
import "./design/parts.css";
import "./design/pages.css";
import "./design/print.css";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { AppContext } from "./app/context.ts";
import { routes } from "./app/routes.tsx";
import { createDates, localeFor } from "./dates/dates.ts";
import { keepOfflinePage } from "./offline/register.ts";
import { createDeviceKey } from "./session/device-key.ts";
import { takeLinkToken } from "./session/link-token.ts";
import { createProtocol } from "./session/oauth.ts";
import { createProver } from "./session/proof.ts";
import { createRecoveryLink } from "./session/recovery-link.ts";
import { createSession, type CloseReason } from "./session/session.ts";
import { words } from "./words/en.ts";

// First of all, so that nothing else can read the token out of the address.
const enrolToken = takeLinkToken("/enrol", location, history);
const recoveryToken = takeLinkToken("/recovery", location, history);

const { origin } = location;
const tabs = new BroadcastChannel("phylax-session");
const nowMs = (): number => Date.now();
const monotonicMs = (): number => performance.now();
const prover = createProver(createDeviceKey(indexedDB, crypto.subtle), nowMs);
const session = createSession({
  protocol: createProtocol({ origin, prover, monotonicMs }),
  storage: sessionStorage,
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows; a channel reaches our own origin alone.
  announceEnd: (reason) => tabs.postMessage(reason),
  leaveFor: (url) => location.assign(url),
  isOnline: () => navigator.onLine,
  nowMs,
  monotonicMs,
});

const reasons: readonly CloseReason[] = ["none", "ended", "idle", "signed-out"];
tabs.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  const reason = reasons.find((known) => known === data);
  if (reason !== undefined && session.state().state === "open") session.close(reason);
});

// A page brought back by the back button may be from before a sign-out in another tab.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

// The code of a sign-in is traded at once: all that the page will show waits for what it brings.
const isArrival = location.pathname === "/callback";
const arrival = isArrival ? session.finish(new URL(location.href)) : null;

const dates = createDates({
  locale: localeFor(words.language, navigator.languages),
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  now: nowMs,
  words,
});
const recovery = createRecoveryLink(localStorage, recoveryToken);
const visited = { first: false };
const app = { session, dates, origin, enrolToken, recovery, arrival, visited };
const root = document.querySelector("#root");
if (root === null) throw new Error("the page has no place for the application");
createRoot(root).render(
  <AppContext value={app}>
    <RouterProvider router={createBrowserRouter(routes)} />
  </AppContext>,
);
// After the page's own work: only a visit without a connection will need it.
addEventListener("load", () => void keepOfflinePage());
const keepSummary = async (): Promise<void> => {
  const { followSession } = await import("./offline/follow-session.ts");
  followSession(session, { origin, nowMs });
};
addEventListener("load", () => void keepSummary());
