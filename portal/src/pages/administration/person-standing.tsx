import { useState } from "react";
import type { Invitation } from "../../account/invitation.ts";
import type { WholePerson } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { person: told } = words.administration;
const dayCharacters = 10;

/** Letting in, keeping out, and the end of the account. */
export function PersonStanding(props: {
  readonly person: WholePerson;
  readonly changed: () => void;
  readonly made: (invitation: Invitation) => void;
}) {
  const { person, changed, made } = props;
  const administration = useAdministration();
  const { id, displayName, status, isEnvelope, isEnrolled } = person;
  const mayBeInvited = status === "active" && !isEnvelope && !isEnrolled;
  return (
    <>
      {mayBeInvited ? <InviteAgain id={id} made={made} /> : null}
      <div className="actions">
        {status === "active" ? (
          <Confirm
            name={told.suspend}
            title={told.suspendTitle(displayName)}
            text={told.suspendText}
            work={() => administration.change(id, { suspended: true })}
            then={changed}
          />
        ) : null}
        {status === "suspended" ? (
          <Confirm
            name={told.reinstate}
            title={told.reinstateTitle(displayName)}
            text={told.reinstateText}
            work={() => administration.change(id, { suspended: false })}
            then={changed}
          />
        ) : null}
        {isEnvelope ? (
          <Confirm
            name={told.seal}
            title={told.sealTitle}
            text={told.sealText}
            work={() => administration.seal(id)}
            then={made}
          />
        ) : null}
        <Confirm
          name={told.leave}
          title={told.leaveTitle(displayName)}
          text={told.leaveText}
          work={() => administration.leave(id)}
          then={changed}
        />
      </div>
    </>
  );
}

function InviteAgain(props: {
  readonly id: string;
  readonly made: (invitation: Invitation) => void;
}) {
  const administration = useAdministration();
  const [birthDate, setBirthDate] = useState("");
  const { isBusy, failure, run } = useDeed();
  return (
    <form
      className="form card"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const fact = birthDate === "" ? null : birthDate;
        run(() => administration.inviteAgain(props.id, fact), props.made);
      }}
    >
      <h2>{told.inviteTitle}</h2>
      <p>{told.inviteText}</p>
      <TextField
        label={told.birthDate}
        help={told.birthDateHelp}
        name="invite-birth-date"
        type="date"
        autoComplete="off"
        maxLength={dayCharacters}
        value={birthDate}
        onChange={setBirthDate}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" look="quiet" isBusy={isBusy}>
          {told.inviteMake}
        </Button>
      </div>
    </form>
  );
}
