import { useState } from "react";
import { useLocation } from "react-router";
import type { Failure } from "../api/failure.ts";
import { Mark } from "../design/mark.tsx";
import { Button, Notice } from "../design/parts.tsx";
import type { CloseReason } from "../session/session.ts";
import { words } from "../words/en.ts";
import { useApp } from "./context.ts";
import { Failed } from "./failed.tsx";
import { Frame } from "./frame.tsx";
import { useArrival } from "./page.tsx";

/** Why there is no session, and the way back to this same page. */
export function Closed({
  reason,
  isTold,
}: {
  readonly reason: CloseReason;
  readonly isTold: boolean;
}) {
  const { session } = useApp();
  const { pathname } = useLocation();
  const heading = useArrival<HTMLHeadingElement>(words.closed.title);
  const [failure, setFailure] = useState<Failure | null>(null);
  const signIn = async (): Promise<void> => {
    const left = await session.signIn(pathname);
    setFailure(left.ok ? null : left.failure);
  };
  const { title, text } = words.closed[reason];
  return (
    <Frame>
      <div className="narrow sheet">
        <Mark size={48} />
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p className="lead">{text}</p>
        {isTold ? null : <Notice tone="high" title={words.closed.notTold} isUrgent />}
        <div className="big-action">
          <Button onPress={() => void signIn()}>{words.closed.signIn}</Button>
        </div>
        {failure === null ? null : <Failed failure={failure} />}
      </div>
    </Frame>
  );
}
