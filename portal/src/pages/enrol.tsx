import { useState } from "react";
import type { Failure, Outcome } from "../api/failure.ts";
import { makePasskey } from "../api/passkey.ts";
import { enrolApi, type EnrolStart } from "../api/sign-in.ts";
import { useApp } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { Frame } from "../app/frame.tsx";
import { useLoad } from "../app/load.ts";
import { useArrival } from "../app/page.tsx";
import { TextField } from "../design/fields.tsx";
import { Mark } from "../design/mark.tsx";
import { Button, Waiting } from "../design/parts.tsx";
import { guessDeviceName } from "../session/device-name.ts";
import { words } from "../words/en.ts";

const { enrol } = words;

/** Sets up the first passkey for someone whom the clinic gave a sign-up link. */
export function Component() {
  const { enrolToken } = useApp();
  return (
    <Frame>
      <div className="narrow sheet">
        <Mark size={48} />
        {enrolToken === null ? (
          <Words title={enrol.noLinkTitle} text={enrol.noLinkText} />
        ) : (
          <Begin token={enrolToken} />
        )}
      </div>
    </Frame>
  );
}

function Words({ title, text }: { readonly title: string; readonly text: string }) {
  const heading = useArrival<HTMLHeadingElement>(enrol.title);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{text}</p>
    </>
  );
}

function Begin({ token }: { readonly token: string }) {
  const { loaded, again } = useLoad(token, () => enrolApi.begin({ token }));
  if (loaded.state === "loading") {
    return <Waiting words={words.loading(enrol.waiting)} rows={2} />;
  }
  if (loaded.state === "ready") return <Create token={token} start={loaded.value} renew={again} />;
  return isLinkFault(loaded.failure) ? (
    <LinkUsed />
  ) : (
    <Failed failure={loaded.failure} again={again} />
  );
}

function isLinkFault(failure: Failure): boolean {
  return failure.kind === "problem" && failure.code === "enrolment-link-refused";
}

function LinkUsed() {
  return (
    <>
      <Words title={enrol.linkUsedTitle} text={enrol.linkUsedText} />
      <SignInNow />
    </>
  );
}

function SignInNow() {
  const { session } = useApp();
  return (
    <div className="big-action">
      <Button onPress={() => void session.signIn("/home")}>{enrol.signIn}</Button>
    </div>
  );
}

function Create(props: {
  readonly token: string;
  readonly start: EnrolStart;
  readonly renew: () => void;
}) {
  const { token, start, renew } = props;
  const [passkeyName, setPasskeyName] = useState(guessDeviceName);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [finished, setFinished] = useState<{ readonly confirm: string | null } | null>(null);

  const create = async (): Promise<Outcome<string | null>> => {
    const credential = await makePasskey(start.options);
    if (!credential.ok) return credential;
    const name = passkeyName.trim() === "" ? guessDeviceName() : passkeyName.trim();
    return enrolApi.finish({ token, passkeyName: name, credential: credential.value });
  };
  const submit = async (): Promise<void> => {
    setIsBusy(true);
    setFailure(null);
    const outcome = await create();
    setIsBusy(false);
    if (outcome.ok) setFinished({ confirm: outcome.value });
    setFailure(outcome.ok ? null : outcome.failure);
  };
  if (finished !== null) return <Done confirm={finished.confirm} />;
  if (failure !== null && isLinkFault(failure)) return <LinkUsed />;
  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Words title={enrol.headline(start.displayName)} text={enrol.lead} />
      {failure === null ? null : <Failed failure={failure} again={renew} />}
      <TextField
        label={enrol.name}
        help={enrol.nameHelp}
        name="passkey-name"
        autoComplete="off"
        maxLength={60}
        value={passkeyName}
        onChange={setPasskeyName}
      />
      <div className="stack">
        <Button type="submit" icon="key" isBusy={isBusy}>
          {isBusy ? enrol.busy : enrol.create}
        </Button>
      </div>
    </form>
  );
}

function Done({ confirm }: { readonly confirm: string | null }) {
  return (
    <>
      {confirm === null ? (
        <Words title={enrol.doneTitle} text={enrol.doneLead} />
      ) : (
        <>
          <Words title={enrol.confirmTitle} text={enrol.confirmLead} />
          <p className="paper-code">{confirm}</p>
        </>
      )}
      <SignInNow />
    </>
  );
}
