import type { Grant } from "../../account/grants.ts";
import type { WholePerson } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { words } from "../../words/en.ts";
import { GrantForm } from "./grant-form.tsx";

const { person: told } = words.administration;
const { people } = words.account;
const kinds: ReadonlyMap<string, string> = new Map(Object.entries(people.kinds));

/** For whom the person acts, who acts for her, and one more of the former. */
export function GrantsOfPerson(props: {
  readonly person: WholePerson;
  readonly changed: () => void;
}) {
  const { person, changed } = props;
  const { actsFor, actedForBy, isEnvelope, status } = person;
  return (
    <>
      <Part title={told.actsForTitle} grants={actsFor} changed={changed} />
      <Part title={told.actedForTitle} grants={actedForBy} changed={changed} />
      {isEnvelope || status === "left" ? null : <GrantForm id={person.id} changed={changed} />}
    </>
  );
}

function Part(props: {
  readonly title: string;
  readonly grants: readonly Grant[];
  readonly changed: () => void;
}) {
  const { title, grants, changed } = props;
  return (
    <section className="stack">
      <h2>{title}</h2>
      {grants.length === 0 ? (
        <p className="group-empty">{told.noGrants}</p>
      ) : (
        <ul className="items">
          {grants.map((grant) => (
            <li className="item" key={grant.id}>
              <Line grant={grant} changed={changed} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Line({ grant, changed }: { readonly grant: Grant; readonly changed: () => void }) {
  const { dates } = useApp();
  const administration = useAdministration();
  const { id, kind, startsAt, endsAt } = grant;
  const name = grant.name ?? people.unnamed;
  return (
    <>
      <h3 className="item-name">{name}</h3>
      <ul className="facts item-when">
        <li>{kinds.get(kind) ?? people.kindOther}</li>
        {startsAt === null ? null : <li>{people.since(dates.day(startsAt))}</li>}
        {endsAt === null ? null : <li>{people.until(dates.day(endsAt))}</li>}
      </ul>
      <div className="actions">
        <Confirm
          name={told.end}
          label={told.endThis(name)}
          title={told.endTitle}
          text={told.endText}
          work={() => administration.endGrant(id)}
          then={changed}
        />
      </div>
    </>
  );
}
