import { useState } from "react";
import type { EmergencyFinding, EmergencyLine } from "../../../../src/core/wire.ts";
import { useEmergencies } from "../../app/emergencies.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { ChoiceField, LongTextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { emergencyWords } from "../../words/emergency.ts";

const { queue } = emergencyWords;

const findings: readonly EmergencyFinding[] = ["justified", "to-follow-up", "not-justified"];
const leastCharacters = 3;

/** Recording what the officer found: the system decides nothing. */
export function Review(props: { readonly line: EmergencyLine; readonly changed: () => void }) {
  const { line, changed } = props;
  const emergencies = useEmergencies();
  const [finding, setFinding] = useState<EmergencyFinding>("justified");
  const [typed, setTyped] = useState("");
  const words = typed.trim();
  const wrong = words.length < leastCharacters ? queue.wordsMissing : null;
  const { isTried, isBusy, failure, submit } = useSending(wrong === null, {
    send: () => emergencies.act(line.id, { version: line.version, act: "review", finding, words }),
    sent: changed,
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
      <ChoiceField
        label={queue.finding}
        choices={findings.map((value) => ({ value, name: queue.findings[value] }))}
        value={finding}
        onChange={setFinding}
      />
      {finding === "not-justified" && line.isOpen ? (
        <p className="field-help">{queue.endsNow}</p>
      ) : null}
      <LongTextField
        label={queue.words}
        help={queue.wordsHelp}
        value={typed}
        onChange={setTyped}
        wrong={isTried ? wrong : null}
      />
      {failure === null ? null : <Failed failure={failure} again={changed} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? queue.recording : queue.record}
        </Button>
      </div>
    </form>
  );
}
