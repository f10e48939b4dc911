import { useState } from "react";
import type { Invitation } from "../../account/invitation.ts";
import type { PersonWish } from "../../api/administration.ts";
import { useAdministration } from "../../app/administration.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { CheckField, ChoicesField, TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";
import { roleChoices, textsIn, type PickedRole } from "./picked.ts";

const { invite, people } = words.administration;

interface Written {
  readonly name: string;
  readonly roles: readonly PickedRole[];
  readonly departments: string;
  readonly birthDate: string;
  readonly charts: string;
  readonly practitioner: string;
  readonly isEnvelope: boolean;
}

const blank: Written = {
  name: "",
  roles: [],
  departments: "",
  birthDate: "",
  charts: "",
  practitioner: "",
  isEnvelope: false,
};

function wishOf(written: Written): PersonWish {
  const { roles, birthDate } = written;
  const practitioner = written.practitioner.trim();
  return {
    kind: written.isEnvelope ? "break-glass" : "person",
    displayName: written.name.trim(),
    roles,
    departments: textsIn(written.departments),
    patients: roles.includes("patient") ? textsIn(written.charts) : [],
    ...(practitioner === "" ? {} : { practitioner }),
    ...(birthDate === "" ? {} : { birthDate }),
  };
}

/** Asks who is invited as what, and makes the invitation. */
export function InviteForm(props: {
  readonly sent: (invitation: Invitation) => void;
  readonly cancel: () => void;
}) {
  const administration = useAdministration();
  const [written, setWritten] = useState(blank);
  const [isTried, setIsTried] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const change = (part: Partial<Written>): void => setWritten({ ...written, ...part });
  const nameWrong = written.name.trim() === "" ? invite.nameMissing : null;
  const rolesWrong = written.roles.length === 0 ? invite.rolesMissing : null;
  const submit = (): void => {
    setIsTried(true);
    if (nameWrong !== null || rolesWrong !== null) return;
    run(() => administration.invite(wishOf(written)), props.sent);
  };
  const field = (
    name: "departments" | "birthDate" | "charts" | "practitioner",
    more: { readonly label: string; readonly help?: string; readonly type?: "date" },
  ) => (
    <TextField
      {...more}
      name={`person-${name}`}
      autoComplete="off"
      maxLength={400}
      value={written[name]}
      onChange={(value) => change({ [name]: value })}
    />
  );
  return (
    <form
      className="form card"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2>{people.invite}</h2>
      <TextField
        label={invite.name}
        name="person-name"
        autoComplete="off"
        maxLength={200}
        value={written.name}
        onChange={(name) => change({ name })}
        wrong={isTried ? nameWrong : null}
      />
      <ChoicesField
        label={invite.roles}
        choices={roleChoices}
        value={written.roles}
        onChange={(roles) => change({ roles })}
        wrong={isTried ? rolesWrong : null}
      />
      {written.roles.includes("patient")
        ? field("charts", { label: invite.charts, help: invite.chartsHelp })
        : null}
      {written.roles.includes("clinician")
        ? field("practitioner", { label: invite.practitioner })
        : null}
      {field("departments", { label: invite.departments, help: invite.departmentsHelp })}
      {written.isEnvelope
        ? null
        : field("birthDate", {
            label: invite.birthDate,
            help: invite.birthDateHelp,
            type: "date",
          })}
      <CheckField
        label={invite.envelope}
        value={written.isEnvelope}
        onChange={(isEnvelope) => change({ isEnvelope, birthDate: "" })}
      />
      {written.isEnvelope ? <p className="field-help">{invite.envelopeHelp}</p> : null}
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? invite.making : invite.make}
        </Button>
        <Button look="plain" onPress={props.cancel}>
          {words.cancel}
        </Button>
      </div>
    </form>
  );
}
