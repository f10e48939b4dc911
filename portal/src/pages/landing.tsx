import { useState } from "react";
import type { Failure } from "../api/failure.ts";
import { Link } from "react-router";
import { useApp, useSessionState } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { Frame } from "../app/frame.tsx";
import { useArrival } from "../app/page.tsx";
import { Icon, type IconName } from "../design/icon.tsx";
import { Button, Notice } from "../design/parts.tsx";
import { words } from "../words/en.ts";

const { landing } = words;
const pointIcons: readonly IconName[] = ["lock", "eye", "key"];

export function Landing() {
  const heading = useArrival<HTMLHeadingElement>(landing.title);
  return (
    <Frame>
      <div className="landing">
        <div className="landing-hero">
          <div className="landing-words">
            <h1 ref={heading} tabIndex={-1}>
              {landing.headline}
            </h1>
            <p className="lead">{landing.lead}</p>
            <SignedOut />
            <SignIn />
            <p className="landing-new">
              <strong>{landing.newHere}</strong> {landing.newHereHelp}{" "}
              <Link to="/invitation">{landing.haveCode}</Link>
            </p>
          </div>
          <Guardian />
        </div>
        <ul className="points">
          {landing.points.map(({ title, text }, place) => (
            <li key={title}>
              <span className="point-icon">
                <Icon name={pointIcons[place] ?? "check"} size={24} />
              </span>
              <h2>{title}</h2>
              <p>{text}</p>
            </li>
          ))}
        </ul>
        <section className="landing-now">
          <h2>{landing.now}</h2>
          <p>{landing.nowText}</p>
          <p>
            <strong>{landing.emergency}</strong>
          </p>
        </section>
      </div>
    </Frame>
  );
}

function SignedOut() {
  const session = useSessionState();
  if (session.state !== "closed" || session.reason !== "signed-out") return null;
  return session.isTold ? (
    <Notice tone="ok" title={landing.signedOut} />
  ) : (
    <Notice tone="high" title={words.closed["signed-out"].title} isUrgent>
      <p>{words.closed.notTold}</p>
    </Notice>
  );
}

function SignIn() {
  const { session } = useApp();
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const start = async (): Promise<void> => {
    setIsBusy(true);
    const left = await session.signIn("/home");
    setIsBusy(left.ok);
    setFailure(left.ok ? null : left.failure);
  };
  return (
    <>
      <div className="big-action">
        <Button isBusy={isBusy} onPress={() => void start()}>
          {landing.signIn}
        </Button>
      </div>
      {failure === null ? null : <Failed failure={failure} />}
    </>
  );
}

/** A picture of the idea: a page of the record behind its guardian. Says nothing that words do not. */
function Guardian() {
  return (
    <svg className="guardian" viewBox="0 0 320 300" aria-hidden="true">
      <circle className="guardian-glow" cx="160" cy="150" r="140" />
      <rect className="guardian-page" x="64" y="40" width="150" height="196" rx="14" />
      <path className="guardian-line" d="M86 76h70M86 102h104M86 128h88" />
      <path className="guardian-beat" d="M86 176h22l10-24 18 46 12-22h36" />
      <path
        className="guardian-shield"
        d="M216 116c22 15 44 22 68 23v40c0 46-28 76-68 92-40-16-68-46-68-92v-40c24-1 46-8 68-23z"
      />
      <g className="guardian-phi">
        <circle cx="216" cy="193" r="27" />
        <path d="M216 152v82" />
      </g>
    </svg>
  );
}
