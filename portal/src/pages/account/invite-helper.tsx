import { useState } from "react";
import type { Invitation } from "../../account/invitation.ts";
import { useAccount } from "../../app/account.ts";
import { Failed } from "../../app/failed.tsx";
import { useDeed } from "../../app/deed.ts";
import { TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { people } = words.account;
const nameCharacters = 200;
const dayCharacters = 10;

/** Asks for whom the person lets act for her, and makes the invitation. */
export function InviteHelper(props: {
  readonly sent: (invitation: Invitation) => void;
  readonly cancel: () => void;
}) {
  const account = useAccount();
  const [name, setName] = useState("");
  const [birthDate, setBirthDate] = useState("");
  const [until, setUntil] = useState("");
  const [isTried, setIsTried] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const nameWrong = name.trim() === "" ? people.nameMissing : null;
  const birthDateWrong = birthDate === "" ? people.birthDateMissing : null;
  const submit = (): void => {
    setIsTried(true);
    if (nameWrong !== null || birthDateWrong !== null) return;
    run(
      () => account.grant({ name: name.trim(), birthDate, until: until === "" ? null : until }),
      props.sent,
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
      <h2>{people.add}</h2>
      <p className="section-about">{people.addLead}</p>
      <TextField
        label={people.name}
        name="helper-name"
        autoComplete="off"
        maxLength={nameCharacters}
        value={name}
        onChange={setName}
        wrong={isTried ? nameWrong : null}
      />
      <TextField
        label={people.birthDate}
        help={people.birthDateHelp}
        name="helper-birth-date"
        type="date"
        autoComplete="off"
        maxLength={dayCharacters}
        value={birthDate}
        onChange={setBirthDate}
        wrong={isTried ? birthDateWrong : null}
      />
      <TextField
        label={people.untilLabel}
        name="helper-until"
        type="date"
        autoComplete="off"
        maxLength={dayCharacters}
        value={until}
        onChange={setUntil}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? people.inviting : people.invite}
        </Button>
        <Button look="plain" onPress={props.cancel}>
          {words.cancel}
        </Button>
      </div>
    </form>
  );
}
