import { useState } from "react";
import { useAccount } from "../../app/account.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { people } = words.account;
const codeCharacters = 40;
const dayCharacters = 10;

/** Takes the code of an invitation to act for somebody, for a person who signs in here already. */
export function TakeUp({ cancel }: { readonly cancel: () => void }) {
  const account = useAccount();
  const [code, setCode] = useState("");
  const [birthDate, setBirthDate] = useState("");
  const [isTried, setIsTried] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const codeWrong = code.trim() === "" ? people.codeMissing : null;
  const birthDateWrong = birthDate === "" ? people.ownBirthDateMissing : null;
  const submit = (): void => {
    setIsTried(true);
    if (codeWrong !== null || birthDateWrong !== null) return;
    run(
      () => account.takeUp(code.trim(), birthDate),
      // The session has one more record to show from now on, which only a fresh start knows.
      () => location.assign(location.pathname),
    );
  };
  return (
    <form
      className="form card"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2>{people.takeUp}</h2>
      <p className="section-about">{people.takeUpLead}</p>
      <TextField
        label={people.code}
        help={words.invitation.enter.codeHelp}
        name="code"
        autoComplete="off"
        maxLength={codeCharacters}
        value={code}
        onChange={setCode}
        wrong={isTried ? codeWrong : null}
      />
      <TextField
        label={people.ownBirthDate}
        name="own-birth-date"
        type="date"
        autoComplete="bday"
        maxLength={dayCharacters}
        value={birthDate}
        onChange={setBirthDate}
        wrong={isTried ? birthDateWrong : null}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? people.takingUp : people.takeUpNow}
        </Button>
        <Button look="plain" onPress={cancel}>
          {words.cancel}
        </Button>
      </div>
    </form>
  );
}
