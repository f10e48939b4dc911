import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import type { Failure } from "../api/failure.ts";
import { useApp } from "../app/context.ts";
import { Frame } from "../app/frame.tsx";
import { useArrival } from "../app/page.tsx";
import { Mark } from "../design/mark.tsx";
import { Button, Waiting } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { failureWords } from "../words/failure.ts";

/** Ends the way to the sign-in pages and back, then goes on to the page that was wanted. */
export function Callback() {
  const { session, arrival } = useApp();
  const navigate = useNavigate();
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    const arrived = arrival ?? session.finish(new URL(location.href));
    void arrived.then(({ outcome, returnTo }) => {
      const isSignedOut = !outcome.ok && outcome.failure.kind === "signed-out";
      // The code leaves the address either way; a page that needs a session says so itself.
      if (outcome.ok || isSignedOut) return navigate(returnTo, { replace: true });
      setFailure(outcome.failure);
      return undefined;
    });
  }, [session, arrival, navigate]);
  return failure === null ? <Busy /> : <Stopped failure={failure} />;
}

function Busy() {
  return (
    <Frame>
      <div className="narrow">
        <h1 className="unseen">{words.callback.title}</h1>
        <Waiting words={words.opening} />
      </div>
    </Frame>
  );
}

function Stopped({ failure }: { readonly failure: Failure }) {
  const { session } = useApp();
  const { title, text } = failureWords(failure);
  const heading = useArrival<HTMLHeadingElement>(title);
  return (
    <Frame>
      <div className="narrow sheet">
        <Mark size={48} />
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p className="lead">{text}</p>
        <div className="big-action">
          <Button onPress={() => void session.signIn("/home")}>{words.callback.signIn}</Button>
        </div>
      </div>
    </Frame>
  );
}
