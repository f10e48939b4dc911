import { useState } from "react";
import type { AccessRequestAct, AccessRequestLine } from "../../../../src/core/wire.ts";
import { useAccess } from "../../app/access.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { CheckField, ChoiceField, ChoicesField, LongTextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { register } = words;

type Act = keyof typeof register.acts;
type Ground = keyof typeof register.groundNames;

/** Grounds against which another health worker may be asked: 164.524(a)(3). */
const reviewable: ReadonlySet<Ground> = new Set<Ground>([
  "endangers",
  "harms-another",
  "harm-by-representative",
]);

const isGround = (name: string): name is Ground => Object.hasOwn(register.groundNames, name);
const grounds = Object.keys(register.groundNames).filter(isGround);

interface Written {
  readonly act: Act;
  readonly text: string;
  readonly grounds: readonly Ground[];
  readonly inPart: boolean;
}

function actOf(version: number, written: Written): AccessRequestAct {
  const text = written.text.trim();
  if (written.act === "fulfil") return { version, act: "fulfil", how: text };
  if (written.act === "extend") return { version, act: "extend", reason: text };
  const { grounds: named, inPart } = written;
  return { version, act: "deny", reason: text, grounds: named, inPart };
}

/** Recording what the officer decided: the system decides nothing. */
export function Decide(props: { readonly line: AccessRequestLine; readonly changed: () => void }) {
  const { line, changed } = props;
  const access = useAccess();
  const [written, setWritten] = useState<Written>({
    act: "fulfil",
    text: "",
    grounds: [],
    inPart: false,
  });
  const change = (part: Partial<Written>): void => setWritten({ ...written, ...part });

  const { act, text } = written;
  const label = act === "fulfil" ? register.how : register.reason;
  const missing = act === "fulfil" ? register.howMissing : register.reasonMissing;
  const textWrong = text.trim() === "" ? missing : null;
  const groundsWrong =
    act === "deny" && written.grounds.length === 0 ? register.groundsMissing : null;

  const { isTried, isBusy, failure, submit } = useSending(
    textWrong === null && groundsWrong === null,
    {
      send: () => access.act(line.id, actOf(line.version, written)),
      sent: changed,
    },
  );

  return (
    <form
      className="form decide"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <ChoiceField
        label={register.what}
        choices={actChoices(line)}
        value={act}
        onChange={(chosen) => change({ act: chosen })}
      />
      {act === "deny" ? (
        <ChoicesField
          label={register.grounds}
          choices={grounds.map((value) => ({
            value,
            name: register.groundNames[value],
            ...(reviewable.has(value) ? { about: register.mayReview } : {}),
          }))}
          value={written.grounds}
          onChange={(chosen) => change({ grounds: chosen })}
          wrong={isTried ? groundsWrong : null}
        />
      ) : null}
      <LongTextField
        label={label}
        help={act === "fulfil" ? register.howHelp : register.reasonHelp}
        value={text}
        onChange={(typed) => change({ text: typed })}
        wrong={isTried ? textWrong : null}
      />
      {act === "extend" ? <p className="field-help">{register.extendHelp}</p> : null}
      {act === "deny" ? (
        <CheckField
          label={register.inPart}
          value={written.inPart}
          onChange={(inPart) => change({ inPart })}
        />
      ) : null}
      {failure === null ? null : <Failed failure={failure} again={changed} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? register.recording : register.record}
        </Button>
      </div>
    </form>
  );
}

/** More time can be taken once. */
function actChoices({ request }: AccessRequestLine) {
  const acts: readonly Act[] =
    request?.extension === null ? ["fulfil", "extend", "deny"] : ["fulfil", "deny"];
  return acts.map((value) => ({ value, name: register.acts[value] }));
}
