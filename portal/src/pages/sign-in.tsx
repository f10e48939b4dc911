import { browserSupportsWebAuthn } from "@simplewebauthn/browser";
import { useMemo, useState, type ReactNode } from "react";
import { Link, useParams } from "react-router";
import type { OutsideOffer, SignInStep } from "../../../src/core/wire.ts";
import type { Failure, Outcome } from "../api/failure.ts";
import { signWithPasskey } from "../api/passkey.ts";
import { createSignInApi, type PasskeyRequest, type SignInApi } from "../api/sign-in.ts";
import { useApp } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { Frame } from "../app/frame.tsx";
import { useLoad } from "../app/load.ts";
import { useArrival } from "../app/page.tsx";
import { bringPagesAhead } from "../app/pages-ahead.ts";
import { TextField } from "../design/fields.tsx";
import { Mark } from "../design/mark.tsx";
import { Button, Notice, Waiting } from "../design/parts.tsx";
import { createAhead, type Ahead } from "../session/ahead.ts";
import { afterFailure, type SignInPageStep } from "../session/sign-in-failure.ts";
import { words } from "../words/en.ts";

const { signIn } = words;
const codeDigits = 6;
/** The server takes an answer to what it asks a passkey for 5 minutes. */
const askedGoodForMs = 4 * 60_000;

/** Signs in for the application that sent the person here, then goes back to it. */
export function Component() {
  const { origin, session } = useApp();
  const { uid = "" } = useParams();
  const api = useMemo(() => createSignInApi(uid, origin), [uid, origin]);
  const asked = useMemo(
    () => createAhead(api.passkeyOptions, { goodForMs: askedGoodForMs, nowMs: Date.now }),
    [api],
  );
  const [step, setStep] = useState<SignInPageStep>(firstStep);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [reference, setReference] = useState("");
  const opening = useLoad(uid, async () => {
    const opened = await api.opening();
    if (opened.ok && opened.value.isBack) {
      setStep("back");
      void run(api.comeBack, "back");
    } else if (opened.ok && firstStep() === "passkey") asked.prepare();
    if (opened.ok && opened.value.client === ownClient) bringPagesAhead();
    return opened;
  });

  const tell = (found: Failure, at: SignInPageStep): void => {
    const next = afterFailure(at, found);
    setStep(next.step);
    setFailure(next.failure);
  };
  const goOn = (next: SignInStep): void => {
    switch (next.next) {
      case "totp":
        setStep("code");
        return;
      case "approval":
        setReference(next.reference);
        setStep("approval");
        return;
      case "outside":
        location.assign(next.redirectTo);
        return;
      case "redirect":
        setStep("done");
        location.assign(next.redirectTo);
        return;
    }
  };
  const run = async (
    work: () => Promise<Outcome<SignInStep>>,
    at: SignInPageStep = step,
  ): Promise<void> => {
    setIsBusy(true);
    setFailure(null);
    const outcome = await work();
    setIsBusy(false);
    if (outcome.ok) goOn(outcome.value);
    else tell(outcome.failure, at);
  };
  const turnTo = (next: SignInPageStep): void => {
    setFailure(null);
    setStep(next);
  };
  const notOpened = opening.loaded.state === "failed" ? opening.loaded.failure : null;
  const isOver =
    step === "over" || (notOpened !== null && afterFailure(step, notOpened).step === "over");
  if (isOver) return <Over again={() => void session.signIn("/home")} />;
  const opened = opening.loaded.state === "ready" ? opening.loaded.value : null;
  const client = opened?.client ?? null;
  const canStaff = (step === "passkey" || step === "password") && opened !== null;
  const shared = {
    api,
    run,
    isBusy,
    failed: failure === null ? null : <Failed failure={failure} />,
  };
  return (
    <Frame>
      <div className="narrow sheet" aria-busy={isBusy}>
        <Mark size={48} />
        {client === null || client === ownClient ? null : <p>{signIn.otherApp(client)}</p>}
        {step === "passkey" ? <Passkey {...shared} asked={asked} turnTo={turnTo} /> : null}
        {step === "password" ? <Password {...shared} turnTo={turnTo} /> : null}
        {step === "code" ? <Code {...shared} /> : null}
        {step === "back" ? <Waiting words={signIn.checking} rows={1} /> : null}
        {step === "approval" ? <Approval reference={reference} /> : null}
        {canStaff ? <Staff {...shared} offers={opened.outside} /> : null}
        {step === "done" ? <Notice tone="ok" title={signIn.done} /> : null}
        {step === "done" || step === "approval" ? null : (
          <p className="sheet-foot">
            {signIn.help} <Link to="/recovery">{signIn.recover}</Link>, {signIn.orCall}
          </p>
        )}
      </div>
    </Frame>
  );
}

const ownClient = "phylax-portal";

function firstStep(): SignInPageStep {
  return browserSupportsWebAuthn() ? "passkey" : "password";
}

function Over({ again }: { readonly again: () => void }) {
  const { title, text } = words.failures["sign-in-expired"];
  return (
    <Frame>
      <div className="narrow sheet">
        <Mark size={48} />
        <Heading title={title} lead={text} />
        <Button onPress={again}>{signIn.again}</Button>
      </div>
    </Frame>
  );
}

interface StepProps {
  readonly api: SignInApi;
  readonly run: (work: () => Promise<Outcome<SignInStep>>) => Promise<void>;
  readonly isBusy: boolean;
  readonly failed: ReactNode;
}

interface TurnProps extends StepProps {
  readonly turnTo: (step: SignInPageStep) => void;
}

function Heading({ title, lead }: { readonly title: string; readonly lead: string }) {
  const heading = useArrival<HTMLHeadingElement>(title);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{lead}</p>
    </>
  );
}

function Passkey(props: TurnProps & { readonly asked: Ahead<PasskeyRequest> }) {
  const { api, asked, run, isBusy, failed, turnTo } = props;
  const sign = async (): Promise<Outcome<SignInStep>> => {
    const options = await asked.take();
    if (!options.ok) return options;
    const credential = await signWithPasskey(options.value);
    return credential.ok ? api.passkey(credential.value) : credential;
  };
  return (
    <>
      <Heading title={signIn.headline} lead={signIn.lead} />
      {failed}
      <div className="stack">
        <Button icon="key" isBusy={isBusy} onPress={() => void run(sign)}>
          {isBusy ? signIn.passkeyBusy : signIn.passkey}
        </Button>
        <Button look="plain" isDisabled={isBusy} onPress={() => turnTo("password")}>
          {signIn.usePassword}
        </Button>
      </div>
    </>
  );
}

/** Ways to sign in at the house where one works. */
function Staff({
  api,
  run,
  isBusy,
  offers,
}: StepProps & { readonly offers: readonly OutsideOffer[] }) {
  if (offers.length === 0) return null;
  return (
    <section className="staff-ways" aria-labelledby="staff-ways">
      <h2 id="staff-ways">{signIn.staff}</h2>
      <div className="stack">
        {offers.map(({ id, label }) => (
          <Button
            key={id}
            look="quiet"
            isDisabled={isBusy}
            onPress={() => void run(() => api.leaveFor(id))}
          >
            {signIn.outside(label)}
          </Button>
        ))}
      </div>
    </section>
  );
}

/** She is known over there, and an administrator here must say which account is hers. */
function Approval({ reference }: { readonly reference: string }) {
  return (
    <>
      <Heading title={signIn.approvalTitle} lead={signIn.approvalLead} />
      <p className="approval-code">
        <span className="unseen">{signIn.approvalCode} </span>
        <code>{`${reference.slice(0, 4)} ${reference.slice(4)}`}</code>
      </p>
      <p>{signIn.approvalAfter}</p>
    </>
  );
}

function Password({ api, run, isBusy, failed, turnTo }: TurnProps) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [isTried, setIsTried] = useState(false);
  const missing = (value: string, label: string): string | null =>
    isTried && value === "" ? signIn.required(label) : null;
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    setIsTried(true);
    if (login.trim() === "" || password === "") return;
    void run(() => api.password(login.trim(), password));
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <Heading title={signIn.headline} lead={signIn.passwordLead} />
      {failed}
      <TextField
        label={signIn.login}
        name="username"
        autoComplete="username"
        maxLength={200}
        value={login}
        onChange={setLogin}
        wrong={missing(login.trim(), signIn.login)}
      />
      <TextField
        label={signIn.password}
        name="password"
        type="password"
        autoComplete="current-password"
        maxLength={1000}
        value={password}
        onChange={setPassword}
        wrong={missing(password, signIn.password)}
      />
      <div className="stack">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? signIn.checking : signIn.next}
        </Button>
        <Button look="plain" isDisabled={isBusy} onPress={() => turnTo("passkey")}>
          {signIn.usePasskey}
        </Button>
      </div>
    </form>
  );
}

function Code({ api, run, isBusy, failed }: StepProps) {
  const [typed, setTyped] = useState("");
  const [isTried, setIsTried] = useState(false);
  const digits = typed.replace(/\D/g, "");
  const isWrong = isTried && digits.length !== codeDigits;
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    setIsTried(true);
    if (digits.length === codeDigits) void run(() => api.code(digits));
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <Heading title={signIn.codeTitle} lead={signIn.codeLead} />
      {failed}
      <TextField
        label={signIn.code}
        name="one-time-code"
        autoComplete="one-time-code"
        inputMode="numeric"
        maxLength={12}
        value={typed}
        onChange={setTyped}
        wrong={isWrong ? signIn.codeWrongForm : null}
      />
      <div className="stack">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? signIn.checking : signIn.headline}
        </Button>
      </div>
    </form>
  );
}
