import { useState } from "react";
import { useEmergencies } from "../../app/emergencies.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { LongTextField } from "../../design/fields.tsx";
import { Button, Card } from "../../design/parts.tsx";
import { emergencyWords } from "../../words/emergency.ts";

const { door } = emergencyWords;

const leastCharacters = 10;

/** The way into the chart of a patient who is not in one's care: by a reason, and not by one click. */
export function EmergencyDoor(props: { readonly patient: string; readonly opened: () => void }) {
  const [isAsked, setIsAsked] = useState(false);
  return (
    <Card label={door.title}>
      <h1>{door.title}</h1>
      <p>{door.lead}</p>
      <p>{door.told}</p>
      {isAsked ? (
        <Reason {...props} cancel={() => setIsAsked(false)} />
      ) : (
        <div className="actions">
          <Button look="quiet" icon="warning" onPress={() => setIsAsked(true)}>
            {door.start}
          </Button>
        </div>
      )}
    </Card>
  );
}

function Reason(props: {
  readonly patient: string;
  readonly opened: () => void;
  readonly cancel: () => void;
}) {
  const { patient, opened, cancel } = props;
  const emergencies = useEmergencies();
  const [typed, setTyped] = useState("");
  const reason = typed.trim();
  const wrong = reason.length < leastCharacters ? door.reasonMissing : null;
  const { isTried, isBusy, failure, submit } = useSending(wrong === null, {
    send: () => emergencies.open({ patient, reason }),
    sent: opened,
  });
  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <LongTextField
        label={door.reason}
        help={door.reasonHelp}
        value={typed}
        onChange={setTyped}
        wrong={isTried ? wrong : null}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? door.opening : door.open}
        </Button>
        <Button look="plain" onPress={cancel}>
          {door.cancel}
        </Button>
      </div>
    </form>
  );
}
