import { useState } from "react";
import { Link } from "react-router";
import type { Invitation } from "../../account/invitation.ts";
import type { Person } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { InvitationSheet } from "../../app/invitation-sheet.tsx";
import { Page } from "../../app/page.tsx";
import { usePages } from "../../app/pages.ts";
import { SearchField } from "../../design/fields.tsx";
import { Icon } from "../../design/icon.tsx";
import { Button } from "../../design/parts.tsx";
import { initialOf } from "../../fhir/patient.ts";
import { words } from "../../words/en.ts";
import { Listing } from "../record/listing.tsx";
import { InviteForm } from "./invite-form.tsx";
import { roleNames, StatusBadge } from "./standing.tsx";

const { people } = words.administration;

/** Whose accounts there are, and a way to make one more. */
export function Component() {
  const administration = useAdministration();
  const [typed, setTyped] = useState("");
  const [name, setName] = useState("");
  const [isInviting, setIsInviting] = useState(false);
  const [made, setMade] = useState<Invitation | null>(null);
  // The first place holds the name, so that another name begins another list.
  const list = usePages(JSON.stringify([name, null]), async (place, signal) => {
    const after = place.startsWith("[") ? null : place;
    return administration.people(name, after, signal);
  });
  if (made !== null) return <InvitationSheet invitation={made} close={() => setMade(null)} />;
  const invited = (invitation: Invitation): void => {
    setIsInviting(false);
    setMade(invitation);
    list.again();
  };
  return (
    <Page title={people.title} lead={people.lead}>
      {isInviting ? (
        <InviteForm sent={invited} cancel={() => setIsInviting(false)} />
      ) : (
        <div className="actions">
          <Button icon="add" onPress={() => setIsInviting(true)}>
            {people.invite}
          </Button>
        </div>
      )}
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setName(typed.trim());
        }}
      >
        <SearchField label={people.find} help={people.findHelp} value={typed} onChange={setTyped} />
        <div className="actions">
          <Button type="submit" look="quiet" icon="search">
            {people.search}
          </Button>
        </div>
      </form>
      <Listing list={list} name={people.loading} icon="people" empty={people.none}>
        {(found) => (
          <ul className="people">
            {found.map((person) => (
              <li key={person.id}>
                <Line person={person} />
              </li>
            ))}
          </ul>
        )}
      </Listing>
    </Page>
  );
}

function Line({ person }: { readonly person: Person }) {
  const { id, displayName, status } = person;
  return (
    <Link className="person" to={`/administration/people/${id}`}>
      <span className="who-initial" aria-hidden="true">
        {initialOf(displayName)}
      </span>
      <span className="person-words">
        <span className="person-name">
          {displayName}
          <StatusBadge status={status} />
        </span>
        <span className="person-facts">{roleNames(person.roles)}</span>
      </span>
      <Icon name="next" size={18} />
    </Link>
  );
}
