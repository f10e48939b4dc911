import type { Failure } from "../api/failure.ts";
import { Button, Notice } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { failureWords } from "../words/failure.ts";

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
  return (
    <Notice tone={isFinal ? "info" : "danger"} title={title} isUrgent>
      <p>{text}</p>
      {again === undefined || isFinal ? null : (
        <Button look="quiet" onPress={again}>
          {words.tryAgain}
        </Button>
      )}
    </Notice>
  );
}
