import { useState } from "react";
import { redeemInvitation } from "../api/entry.ts";
import { useDeed } from "../app/deed.ts";
import { Failed } from "../app/failed.tsx";
import { Frame } from "../app/frame.tsx";
import { useArrival } from "../app/page.tsx";
import { CheckField, TextField } from "../design/fields.tsx";
import { Mark } from "../design/mark.tsx";
import { Button } from "../design/parts.tsx";
import { words } from "../words/en.ts";

const { enter } = words.invitation;
const codeCharacters = 40;
const dayCharacters = 10;

/** For someone who was given a code on paper: it leads on to the sign-up. */
export function Component() {
  const heading = useArrival<HTMLHeadingElement>(enter.title);
  const [code, setCode] = useState("");
  const [birthDate, setBirthDate] = useState("");
  const [isEnvelope, setIsEnvelope] = useState(false);
  const [isTried, setIsTried] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const submit = (): void => {
    setIsTried(true);
    if (code.trim() === "" || (birthDate === "" && !isEnvelope)) return;
    run(
      () => redeemInvitation(code.trim(), isEnvelope ? null : birthDate),
      (enrolPath) => location.assign(enrolPath),
    );
  };
  return (
    <Frame>
      <form
        className="narrow sheet"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Mark size={48} />
        <h1 ref={heading} tabIndex={-1}>
          {enter.title}
        </h1>
        <p className="lead">{enter.lead}</p>
        {failure === null ? null : <Failed failure={failure} />}
        <TextField
          label={enter.code}
          help={enter.codeHelp}
          name="code"
          autoComplete="off"
          maxLength={codeCharacters}
          value={code}
          onChange={setCode}
          wrong={isTried && code.trim() === "" ? enter.codeMissing : null}
        />
        {isEnvelope ? null : (
          <TextField
            label={enter.birthDate}
            name="birth-date"
            type="date"
            autoComplete="bday"
            maxLength={dayCharacters}
            value={birthDate}
            onChange={setBirthDate}
            wrong={isTried && birthDate === "" ? enter.birthDateMissing : null}
          />
        )}
        <CheckField label={enter.envelope} value={isEnvelope} onChange={setIsEnvelope} />
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? enter.checking : enter.next}
        </Button>
      </form>
    </Frame>
  );
}
