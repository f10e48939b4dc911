import { useCallback, useEffect, useRef, useState } from "react";
import type { Failure, Outcome } from "../api/failure.ts";
import { useApp } from "../app/context.ts";
import { Frame } from "../app/frame.tsx";
import { useArrival } from "../app/page.tsx";
import { LongTextField, TextField } from "../design/fields.tsx";
import { Mark } from "../design/mark.tsx";
import { Button } from "../design/parts.tsx";
import { intake, responseOf, type Answers } from "../kiosk/intake.ts";
import { createTablet, wipe, type HandedVisit, type Tablet } from "../kiosk/tablet.ts";
import { kioskWords as words } from "../words/kiosk.ts";

const idleSeconds = 120;
const warnedSeconds = 30;
const thanksSeconds = 15;
const codeCharacters = 20;

type Stage =
  | { readonly kind: "code" | "set-up" | "thanks" }
  | { readonly kind: "form"; readonly visit: HandedVisit };

function failureText(failure: Failure): string {
  if (failure.kind !== "problem") return words.failed;
  if (failure.code === "not-found" || failure.code === "token-missing") return words.refused;
  return failure.code === "forbidden" ? words.notSetUp : words.failed;
}

/** The clinic's tablet: a code, a form, thanks, and nothing left of it. */
export function Component() {
  const { origin } = useApp();
  const [tablet] = useState(() => createTablet(origin));
  const [stage, setStage] = useState<Stage>({ kind: "code" });
  return (
    <Frame start="/">
      {stage.kind === "form" ? (
        <Form tablet={tablet} visit={stage.visit} onDone={() => setStage({ kind: "thanks" })} />
      ) : stage.kind === "thanks" ? (
        <Thanks />
      ) : stage.kind === "set-up" ? (
        <CodeEntry
          key="set-up"
          words={{ ...words.code, ...words.setUp }}
          ask={(code) => tablet.setUp(code)}
          onDone={() => setStage({ kind: "code" })}
          other={{ label: words.setUp.back, go: () => setStage({ kind: "code" }) }}
        />
      ) : (
        <CodeEntry
          key="code"
          words={words.code}
          ask={(code) => tablet.begin(code)}
          onDone={(visit) => setStage({ kind: "form", visit })}
          other={{ label: words.code.setUp, go: () => setStage({ kind: "set-up" }) }}
        />
      )}
    </Frame>
  );
}

function CodeEntry<T>(props: {
  readonly words: Readonly<
    Record<"title" | "lead" | "label" | "missing" | "next" | "busy", string>
  >;
  readonly ask: (code: string) => Promise<Outcome<T>>;
  readonly onDone: (value: T) => void;
  readonly other: { readonly label: string; readonly go: () => void };
}) {
  const { words: said, ask, onDone, other } = props;
  const heading = useArrival<HTMLHeadingElement>(said.title);
  const [code, setCode] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const submit = async (): Promise<void> => {
    if (code.trim() === "") return setWrong(said.missing);
    setIsBusy(true);
    const answer = await ask(code);
    setIsBusy(false);
    if (answer.ok) onDone(answer.value);
    else setWrong(failureText(answer.failure));
  };
  return (
    <form
      className="narrow sheet"
      noValidate
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Mark size={48} />
      <h1 ref={heading} tabIndex={-1}>
        {said.title}
      </h1>
      <p className="lead">{said.lead}</p>
      <TextField
        label={said.label}
        name="code"
        autoComplete="off"
        maxLength={codeCharacters}
        value={code}
        onChange={setCode}
        wrong={wrong}
      />
      <Button type="submit" isBusy={isBusy}>
        {isBusy ? said.busy : said.next}
      </Button>
      <Button look="plain" onPress={other.go}>
        {other.label}
      </Button>
    </form>
  );
}

/** Seconds until everything is erased, counted from the last touch or key; `stay` begins anew. */
function useIdle(endsAtMs: number, onEnd: () => void): { left: number; stay: () => void } {
  const [left, setLeft] = useState(idleSeconds);
  const touched = useRef(performance.now());
  const stay = useCallback(() => {
    touched.current = performance.now();
    setLeft(idleSeconds);
  }, []);
  useEffect(() => {
    const tick = (): void => {
      const idle = Math.floor((performance.now() - touched.current) / 1_000);
      setLeft(Math.max(0, idleSeconds - idle));
      if (idle >= idleSeconds || Date.now() >= endsAtMs) onEnd();
    };
    const timer = setInterval(tick, 1_000);
    addEventListener("pointerdown", stay);
    addEventListener("keydown", stay);
    return () => {
      clearInterval(timer);
      removeEventListener("pointerdown", stay);
      removeEventListener("keydown", stay);
    };
  }, [endsAtMs, onEnd, stay]);
  return { left, stay };
}

/** The form is longer than the screen: the warning must be seen wherever the patient is. */
function bringIntoSight(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "center" });
}

function Form(props: {
  readonly tablet: Tablet;
  readonly visit: HandedVisit;
  readonly onDone: () => void;
}) {
  const { tablet, visit, onDone } = props;
  const heading = useArrival<HTMLHeadingElement>(words.form.title);
  const [answers, setAnswers] = useState<Answers>({});
  const [isTried, setIsTried] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const erase = useCallback((): void => {
    void tablet.end(visit).finally(() => void wipe());
  }, [tablet, visit]);
  const { left, stay } = useIdle(visit.endsAtMs, erase);
  const isMissing = (linkId: string): boolean => (answers[linkId] ?? "").trim() === "";
  const submit = async (): Promise<void> => {
    setIsTried(true);
    if (intake.item.some(({ linkId, required }) => required && isMissing(linkId))) return;
    setIsBusy(true);
    const { patient, visit: encounter } = visit;
    const authored = new Date().toISOString();
    const form = responseOf(answers, { patient, visit: encounter, authored });
    const answer = await tablet.handIn(visit, form);
    setIsBusy(false);
    if (!answer.ok) return setFailed(words.failed);
    await tablet.end(visit);
    onDone();
  };
  return (
    <form
      className="narrow sheet"
      noValidate
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h1 ref={heading} tabIndex={-1}>
        {words.form.title}
      </h1>
      <p className="lead">{words.form.lead}</p>
      {intake.item.map(({ linkId, text, required }) => (
        <LongTextField
          key={linkId}
          label={text}
          value={answers[linkId] ?? ""}
          onChange={(value) => setAnswers({ ...answers, [linkId]: value })}
          wrong={isTried && required && isMissing(linkId) ? words.form.missing : null}
        />
      ))}
      {left > warnedSeconds ? null : (
        <div role="alert" ref={bringIntoSight}>
          <h2>{words.idle.title}</h2>
          <p aria-live="off">{words.idle.left(left)}</p>
          <Button onPress={stay}>{words.idle.stay}</Button>
        </div>
      )}
      {failed === null ? null : <p role="alert">{failed}</p>}
      <Button type="submit" isBusy={isBusy}>
        {isBusy ? words.form.busy : words.form.send}
      </Button>
      <Button look="quiet" onPress={erase}>
        {words.form.stop}
      </Button>
    </form>
  );
}

function Thanks() {
  const heading = useArrival<HTMLHeadingElement>(words.thanks.title);
  useEffect(() => {
    const timer = setTimeout(() => void wipe(), thanksSeconds * 1_000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="narrow sheet">
      <Mark size={48} />
      <h1 ref={heading} tabIndex={-1}>
        {words.thanks.title}
      </h1>
      <p className="lead">{words.thanks.lead}</p>
      <Button onPress={() => void wipe()}>{words.thanks.done}</Button>
    </div>
  );
}
