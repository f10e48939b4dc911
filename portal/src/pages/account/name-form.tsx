import { useState } from "react";
import type { Outcome } from "../../api/failure.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

/** Longest name of a passkey, in characters. */
const nameCharacters = 60;

/** Asks for one short name, and does something with it. */
export function NameForm(props: {
  readonly label: string;
  readonly help?: string;
  readonly first: string;
  readonly save: string;
  readonly saving: string;
  readonly send: (name: string) => Promise<Outcome<unknown>>;
  readonly sent: () => void;
  readonly cancel: () => void;
}) {
  const { label, help, first, save, saving, send, sent, cancel } = props;
  const [typed, setTyped] = useState(first);
  const name = typed.trim();
  const { isTried, isBusy, failure, submit } = useSending(name !== "", {
    send: () => send(name),
    sent,
  });
  return (
    <form
      className="form decide"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <TextField
        label={label}
        {...(help === undefined ? {} : { help })}
        name="name"
        autoComplete="off"
        autoFocus
        maxLength={nameCharacters}
        value={typed}
        onChange={setTyped}
        wrong={isTried && name === "" ? words.account.passkeys.nameMissing : null}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? saving : save}
        </Button>
        <Button look="plain" onPress={cancel}>
          {words.cancel}
        </Button>
      </div>
    </form>
  );
}
