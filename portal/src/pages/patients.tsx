import { useState } from "react";
import { Link } from "react-router";
import { useApp } from "../app/context.ts";
import { Page } from "../app/page.tsx";
import { usePages } from "../app/pages.ts";
import { useRecords } from "../app/records.ts";
import { SearchField } from "../design/fields.tsx";
import { Icon } from "../design/icon.tsx";
import { Badge, Empty } from "../design/parts.tsx";
import { findPeople, initialOf, readPatient, type Person } from "../fhir/patient.ts";
import { words } from "../words/en.ts";
import { Listing } from "./record/listing.tsx";

const { patients } = words;
const pageSize = 500;

/** The people in a clinician's care; typing narrows the list as it stands in the page. */
export function Component() {
  const records = useRecords();
  const [typed, setTyped] = useState("");
  const list = usePages(`/fhir/Patient?_count=${pageSize}`, (path, signal) =>
    records.search(path, readPatient, signal),
  );
  return (
    <Page title={patients.title} lead={`${patients.lead} ${patients.watched}`}>
      <SearchField
        label={patients.find}
        help={patients.findHelp}
        value={typed}
        onChange={setTyped}
      />
      <Listing list={list} name={patients.loading} icon="people" empty={patients.empty}>
        {(people) => <Found people={findPeople(people, typed)} typed={typed} />}
      </Listing>
    </Page>
  );
}

function Found({ people, typed }: { readonly people: readonly Person[]; readonly typed: string }) {
  const { dates } = useApp();
  const sorted = people.toSorted((a, b) => a.name.localeCompare(b.name));
  return (
    <>
      <p role="status" className="group-empty">
        {people.length === 0 ? "" : patients.count(people.length)}
      </p>
      {people.length === 0 ? <Empty icon="search">{patients.none(typed)}</Empty> : null}
      <ul className="people">
        {sorted.map(({ id, name, born, number, isDeceased }) => (
          <li key={id}>
            <Link className="person" to={`/patients/${id}`}>
              <span className="who-initial" aria-hidden="true">
                {initialOf(name)}
              </span>
              <span className="person-words">
                <span className="person-name">
                  {name}
                  {isDeceased ? <Badge tone="plain">{words.record.deceased}</Badge> : null}
                </span>
                <span className="person-facts">
                  {born === null ? null : <span>{words.record.born(dates.day(born))}</span>}
                  {number === null ? null : <span>{number}</span>}
                </span>
              </span>
              <Icon name="next" size={18} />
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
