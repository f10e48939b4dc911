import { useLocation } from "react-router";
import type { Failure } from "../api/failure.ts";
import { Button, Notice } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { failureWords } from "../words/failure.ts";
import { useApp } from "./context.ts";

/** What a sign-in of just now mends: of an act on the account, and of data that policy shows to nobody else. */
const stepUpCodes: ReadonlySet<string> = new Set(["step-up-needed", "sign-in-insufficient"]);

/** What went wrong in plain words; with a way to try again where trying may help. */
export function Failed({
  failure,
  again,
}: {
  readonly failure: Failure;
  readonly again?: () => void;
}) {
  const { title, text } = failureWords(failure);
  const isFinal =
    failure.kind === "problem" && (failure.code === "forbidden" || failure.code === "gone");
  const isStepUp = failure.kind === "problem" && stepUpCodes.has(failure.code);
  return (
    <Notice tone={isFinal || isStepUp ? "info" : "danger"} title={title} isUrgent>
      <p>{text}</p>
      {isStepUp ? <ProveAgain /> : null}
      {again === undefined || isFinal || isStepUp ? null : (
        <Button look="quiet" onPress={again}>
          {words.tryAgain}
        </Button>
      )}
    </Notice>
  );
}

/** The way through the sign-in pages and back to this page. */
function ProveAgain() {
  const { session } = useApp();
  const { pathname } = useLocation();
  return (
    <Button look="quiet" icon="key" onPress={() => void session.proveAgain(pathname)}>
      {words.proveAgain}
    </Button>
  );
}
