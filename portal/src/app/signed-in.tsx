import { useEffect, useMemo, useState } from "react";
import { Outlet, useLocation } from "react-router";
import type { Me } from "../../../src/core/wire.ts";
import type { Failure } from "../api/failure.ts";
import { Waiting } from "../design/parts.tsx";
import { hasRecord } from "../session/me.ts";
import { words } from "../words/en.ts";
import { Closed } from "./closed.tsx";
import { SignedInContext, useApp, useSessionState } from "./context.ts";
import { Failed } from "./failed.tsx";
import { Frame } from "./frame.tsx";
import { IdleGuard } from "./idle-guard.tsx";
import { Menu } from "./menu.tsx";
import { RecoveryAlarm } from "./recovery-alarm.tsx";

/** The door before every page that needs a session: nothing of those pages exists while it is shut. */
export function SignedInArea() {
  const session = useSessionState();
  if (session.state === "unknown") return <Resume />;
  if (session.state === "leaving") return <Leaving />;
  if (session.state === "open") return <Open me={session.me} />;
  return <Closed reason={session.reason} isTold={session.isTold} />;
}

function Leaving() {
  return (
    <Frame>
      <div className="narrow">
        <Waiting words={words.leaving} rows={0} />
      </div>
    </Frame>
  );
}

/** After a page load the tokens are gone; the sign-in service knows whether there is a session. */
function Resume() {
  const { session } = useApp();
  const { pathname } = useLocation();
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    if (failure !== null) return;
    const resume = async (): Promise<void> => {
      const left = await session.resume(pathname);
      if (!left.ok) setFailure(left.failure);
    };
    void resume();
  }, [session, pathname, failure]);
  if (failure === null) return <Leaving />;
  return (
    <Frame>
      <div className="narrow">
        <Failed failure={failure} again={() => setFailure(null)} />
      </div>
    </Frame>
  );
}

function Open({ me }: { readonly me: Me }) {
  const [chosen, choosePatient] = useState<string | null>(null);
  const patient = hasRecord(me) ? (chosen ?? me.patients[0] ?? null) : null;
  const signedIn = useMemo(() => ({ me, patient, choosePatient }), [me, patient]);
  return (
    <SignedInContext value={signedIn}>
      <Frame top={<Menu />} start="/home">
        <RecoveryAlarm />
        <Outlet />
      </Frame>
      <IdleGuard me={me} />
    </SignedInContext>
  );
}
