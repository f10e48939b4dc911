import { useState } from "react";
import { beginRecovery } from "../../api/entry.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { useArrival } from "../../app/page.tsx";
import { TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { recovery } = words;
const codeCharacters = 40;

/** Asks for a recovery code, and begins the wait. */
export function Begin({ begun }: { readonly begun: (token: string) => void }) {
  const heading = useArrival<HTMLHeadingElement>(recovery.title);
  const [code, setCode] = useState("");
  const [isTried, setIsTried] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const submit = (): void => {
    setIsTried(true);
    if (code.trim() === "") return;
    run(
      () => beginRecovery(code.trim()),
      ({ token }) => begun(token),
    );
  };
  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h1 ref={heading} tabIndex={-1}>
        {recovery.title}
      </h1>
      <p>{recovery.lead}</p>
      {failure === null ? null : <Failed failure={failure} />}
      <TextField
        label={recovery.code}
        help={recovery.codeHelp}
        name="recovery-code"
        autoComplete="off"
        maxLength={codeCharacters}
        value={code}
        onChange={setCode}
        wrong={isTried && code.trim() === "" ? recovery.codeMissing : null}
      />
      <Button type="submit" isBusy={isBusy}>
        {isBusy ? recovery.beginning : recovery.begin}
      </Button>
      <p className="sheet-foot">{recovery.noCode}</p>
    </form>
  );
}
