import { useState } from "react";
import type { Person } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { ChoicesField, TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";
import { isPicked, roleChoices, textsIn } from "./picked.ts";

const { person: told, invite } = words.administration;

/** Roles and departments; a role that is granted otherwise stays as it is. */
export function PersonRights(props: { readonly person: Person; readonly changed: () => void }) {
  const { person, changed } = props;
  const administration = useAdministration();
  const [roles, setRoles] = useState(person.roles.filter(isPicked));
  const [departments, setDepartments] = useState(person.departments.join(", "));
  const kept = person.roles.filter((role) => !isPicked(role));
  const all = [...kept, ...roles];
  const wrong = all.length === 0 ? invite.rolesMissing : null;
  const { isTried, isBusy, failure, submit } = useSending(wrong === null, {
    send: () => administration.change(person.id, { roles: all, departments: textsIn(departments) }),
    sent: changed,
  });
  return (
    <form
      className="form card"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2>{told.change}</h2>
      <ChoicesField
        label={invite.roles}
        choices={roleChoices}
        value={roles}
        onChange={(chosen) => setRoles([...chosen])}
        wrong={isTried ? wrong : null}
      />
      <TextField
        label={invite.departments}
        help={invite.departmentsHelp}
        name="departments"
        autoComplete="off"
        maxLength={400}
        value={departments}
        onChange={setDepartments}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" look="quiet" isBusy={isBusy}>
          {isBusy ? told.saving : told.save}
        </Button>
      </div>
    </form>
  );
}
