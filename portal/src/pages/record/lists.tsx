import { useApp } from "../../app/context.ts";
import { usePages, type PagedLoading } from "../../app/pages.ts";
import { useRecords } from "../../app/records.ts";
import { Badge } from "../../design/parts.tsx";
import {
  readAllergy,
  readImmunisation,
  readMedicine,
  readProblem,
  readVisit,
  type Medicine,
  type Visit,
} from "../../fhir/chart.ts";
import { newestFirst } from "../../dates/order.ts";
import { words } from "../../words/en.ts";
import { Items, Listing, NowAndPast } from "./listing.tsx";
import { useRecord } from "./record-context.ts";
import { sectionSearch } from "./sections.ts";

const { record, sections } = words;

/** Everything of one type in the open record. */
export function useSection<T>(
  type: string,
  read: (resource: unknown) => T | null,
  more: Readonly<Record<string, string>> = {},
): PagedLoading<T> {
  const { patient } = useRecord();
  const records = useRecords();
  return usePages(sectionSearch(type, patient, more), (path, signal) =>
    records.search(path, read, signal),
  );
}

export function Problems() {
  const list = useSection("Condition", readProblem);
  const { dates } = useApp();
  return (
    <Listing
      list={list}
      name={sections.problems.name}
      icon="problems"
      empty={record.problems.empty}
    >
      {(items) => (
        <NowAndPast
          items={newestFirst(items, ({ since }) => since)}
          emptyNow={record.problems.emptyActive}
        >
          {({ name, since, until, notes }) => (
            <>
              <p className="item-name">{name}</p>
              <p className="item-when">{spanWords(since, until, dates.day)}</p>
              {notes.map((note) => (
                <p key={note}>{note}</p>
              ))}
            </>
          )}
        </NowAndPast>
      )}
    </Listing>
  );
}

function spanWords(
  since: string | null,
  until: string | null,
  day: (date: string) => string,
): string {
  if (since !== null && until !== null) return record.sinceUntil(day(since), day(until));
  if (since !== null) return record.since(day(since));
  return until === null ? words.notRecorded : record.until(day(until));
}

export function Medicines() {
  const list = useSection("MedicationRequest", readMedicine);
  const problems = useSection("Condition", readProblem);
  const { isCare } = useRecord();
  const { medicines } = record;
  const known = problems.loaded.state === "ready" ? problems.loaded.value : [];
  const names = new Map(known.map(({ id, name }) => [`Condition/${id}`, name]));
  return (
    <Listing list={list} name={sections.medicines.name} icon="medicines" empty={medicines.empty}>
      {(items) => (
        <>
          {isCare ? null : <p className="caution">{medicines.caution}</p>}
          <NowAndPast
            items={newestFirst(items, ({ since }) => since)}
            emptyNow={medicines.emptyActive}
          >
            {(medicine) => <OneMedicine medicine={medicine} names={names} />}
          </NowAndPast>
        </>
      )}
    </Listing>
  );
}

function OneMedicine(props: {
  readonly medicine: Medicine;
  /** What the problems are called, by reference. */
  readonly names: ReadonlyMap<string, string>;
}) {
  const { dates } = useApp();
  const { name, since, directions, reason, reasonsAt, prescriber } = props.medicine;
  const { medicines } = record;
  const reasons = reasonsAt.flatMap((reference) => props.names.get(reference) ?? []);
  return (
    <>
      <p className="item-name">{name}</p>
      {since === null ? null : <p className="item-when">{medicines.ordered(dates.day(since))}</p>}
      <dl className="terms">
        <Term name={medicines.directions} value={directions.join(" ")} />
        <Term name={medicines.reason} value={reason ?? words.joinList(reasons)} />
        <Term name={medicines.prescriber} value={prescriber} />
      </dl>
    </>
  );
}

function Term({ name, value }: { readonly name: string; readonly value: string | null }) {
  if (value === null || value === "") return null;
  return (
    <div className="term">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function Allergies() {
  const list = useSection("AllergyIntolerance", readAllergy);
  const { dates } = useApp();
  const { isCare } = useRecord();
  const { allergies } = record;
  return (
    <Listing
      list={list}
      name={sections.allergies.name}
      icon="allergies"
      empty={isCare ? allergies.emptyCare : allergies.empty}
    >
      {(items) => (
        <NowAndPast
          items={items.toSorted((a, b) => Number(b.isSevere) - Number(a.isSevere))}
          emptyNow={allergies.emptyActive}
        >
          {({ name, since, isSevere, reactions }) => (
            <>
              <div className="item-top">
                <p className="item-name">{name}</p>
                {isSevere ? (
                  <Badge tone="danger" icon="warning">
                    {allergies.severe}
                  </Badge>
                ) : null}
              </div>
              {since === null ? null : (
                <p className="item-when">{record.since(dates.day(since))}</p>
              )}
              <dl className="terms">
                <Term name={allergies.reactions} value={reactions.join(", ")} />
              </dl>
            </>
          )}
        </NowAndPast>
      )}
    </Listing>
  );
}

export function Immunisations() {
  const list = useSection("Immunization", readImmunisation);
  const { dates } = useApp();
  const { immunisations } = record;
  return (
    <Listing
      list={list}
      name={sections.immunisations.name}
      icon="immunisations"
      empty={immunisations.empty}
    >
      {(items) => (
        <Items items={newestFirst(items, ({ given }) => given)}>
          {({ name, given, wasGiven, dose, lot }) => (
            <>
              <div className="item-top">
                <p className="item-name">{name}</p>
                {wasGiven ? null : <Badge tone="plain">{immunisations.notGiven}</Badge>}
              </div>
              <ul className="facts item-when">
                <li>{given === null ? words.notRecorded : dates.day(given)}</li>
                {dose === null ? null : <li>{immunisations.dose(dose)}</li>}
                {lot === null ? null : <li>{immunisations.lot(lot)}</li>}
              </ul>
            </>
          )}
        </Items>
      )}
    </Listing>
  );
}

export function Visits() {
  const list = useSection("Encounter", readVisit);
  return (
    <Listing list={list} name={sections.visits.name} icon="visits" empty={record.visits.empty}>
      {(items) => (
        <Items items={newestFirst(items, ({ start }) => start)}>
          {(visit) => <OneVisit visit={visit} />}
        </Items>
      )}
    </Listing>
  );
}

function OneVisit({ visit }: { readonly visit: Visit }) {
  const { dates } = useApp();
  const { visits } = record;
  const { name, start, status, reasons, people, place } = visit;
  const state = visitState(status);
  return (
    <>
      <div className="item-top">
        <p className="item-name">{name ?? visits.unnamed}</p>
        {state === null ? null : <Badge tone="plain">{visits.states[state]}</Badge>}
      </div>
      <p className="item-when">{start === null ? words.notRecorded : dates.moment(start)}</p>
      {reasons.length === 0 ? null : <p>{visits.reason(reasons.join(", "))}</p>}
      {people.length === 0 ? null : <p>{visits.with(words.joinList(people))}</p>}
      {place === null ? null : <p>{visits.at(place)}</p>}
    </>
  );
}

/** FHIR EncounterStatus as far as it changes anything for the reader. */
function visitState(status: string | null): keyof typeof record.visits.states | null {
  const isTold = status === "planned" || status === "cancelled" || status === "in-progress";
  return isTold ? status : null;
}
