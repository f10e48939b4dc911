import { useState } from "react";
import { Link, useParams } from "react-router";
import type { Invitation } from "../../account/invitation.ts";
import type { WholePerson } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { useApp } from "../../app/context.ts";
import { InvitationSheet } from "../../app/invitation-sheet.tsx";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Page } from "../../app/page.tsx";
import { Icon } from "../../design/icon.tsx";
import { words } from "../../words/en.ts";
import { GrantsOfPerson } from "./grants.tsx";
import { PersonRights } from "./rights.tsx";
import { PersonStanding } from "./person-standing.tsx";
import { Proofing } from "./proofing.tsx";
import { roleNames, StatusBadge } from "./standing.tsx";

const { people, person: told } = words.administration;

/** One account: what it may do, how its owner was proven, and how it ends. */
export function Component() {
  const { id = "" } = useParams();
  const administration = useAdministration();
  const loading = useLoad(id, (signal) => administration.person(id, signal));
  const [made, setMade] = useState<Invitation | null>(null);
  if (made !== null)
    return (
      <InvitationSheet
        invitation={made}
        close={() => {
          setMade(null);
          loading.again();
        }}
      />
    );
  return (
    <>
      <Link className="back" to="/administration">
        <Icon name="back" size={18} />
        {people.back}
      </Link>
      <LoadedPart of={loading} name={told.loading}>
        {(person) => <Whole person={person} changed={loading.again} made={setMade} />}
      </LoadedPart>
    </>
  );
}

function Whole(props: {
  readonly person: WholePerson;
  readonly changed: () => void;
  readonly made: (invitation: Invitation) => void;
}) {
  const { person, changed, made } = props;
  const { dates } = useApp();
  const { displayName, departments, assurance, createdAt, status } = person;
  return (
    <Page title={displayName} aside={<StatusBadge status={status} />}>
      <ul className="facts">
        <li>{roleNames(person.roles)}</li>
        {departments.length === 0 ? null : (
          <li>{people.departments(words.joinList(departments))}</li>
        )}
        <li>{people.since(dates.day(createdAt))}</li>
        <li>{assurance === "none" ? people.unproven : people.proven(assurance)}</li>
      </ul>
      {status === "left" ? null : (
        <>
          <PersonStanding person={person} changed={changed} made={made} />
          <PersonRights person={person} changed={changed} />
          <Proofing person={person} changed={changed} />
        </>
      )}
      <GrantsOfPerson person={person} changed={changed} />
    </Page>
  );
}
