import { Link, Outlet, useParams } from "react-router";
import { useApp, useSignedIn } from "../../app/context.ts";
import { Failed } from "../../app/failed.tsx";
import { useLoad } from "../../app/load.ts";
import { useRecords } from "../../app/records.ts";
import { SectionMenu, type SectionLink } from "../../app/section-menu.tsx";
import { Icon } from "../../design/icon.tsx";
import { Badge, Waiting } from "../../design/parts.tsx";
import { initialOf, readPatient, type Person } from "../../fhir/patient.ts";
import { done, fail, problemFailure, type Failure } from "../../api/failure.ts";
import { words } from "../../words/en.ts";
import { EmergencyBanner } from "./emergency-banner.tsx";
import { EmergencyDoor } from "./emergency-door.tsx";
import { NoRecord } from "./no-record.tsx";
import { OpenApp } from "./open-app.tsx";
import { RecordContext } from "./record-context.ts";
import { sectionIds } from "./sections.ts";
import { WhoseRecord } from "./whose-record.tsx";

const patientId = /^[A-Za-z0-9.-]{1,64}$/;

/** One's own record, or that of someone one may act for. */
export function OwnRecord() {
  const { patient } = useSignedIn();
  return patient === null ? <NoRecord /> : <RecordLayout patient={patient} base="/record" />;
}

/** A patient's record as a clinician sees it. */
export function PatientRecord() {
  const { id = "" } = useParams();
  if (!patientId.test(id)) return <Failed failure={problemFailure("not-found")} />;
  return <RecordLayout patient={id} base={`/patients/${id}`} isCare />;
}

function RecordLayout(props: {
  readonly patient: string;
  readonly base: string;
  readonly isCare?: boolean;
}) {
  const { patient, base, isCare = false } = props;
  const records = useRecords();
  const { loaded, again } = useLoad(patient, async (signal) => {
    const answer = await records.resource(`/fhir/Patient/${patient}`, signal);
    if (!answer.ok) return answer;
    const person = readPatient(answer.value);
    return person === null ? fail(problemFailure("unexpected")) : done(person);
  });
  // One's own record does not wait for the name: each round trip counts on a phone. In someone
  // else's, nothing more is asked before the first answer lets one in.
  const isOpen = loaded.state === "ready" || (loaded.state === "loading" && !isCare);
  return (
    <div className="record">
      {isCare ? (
        <Link className="back" to="/patients">
          <Icon name="back" size={18} />
          {words.patients.back}
        </Link>
      ) : null}
      <div className="record-head">
        {loaded.state === "ready" ? <Who person={loaded.value} isCare={isCare} /> : null}
        {loaded.state === "loading" ? <Waiting words={words.opening} rows={1} /> : null}
        {loaded.state === "failed" ? <Failed failure={loaded.failure} again={again} /> : null}
        {isCare ? null : <WhoseRecord />}
      </div>
      {loaded.state === "failed" && isCare && isForbidden(loaded.failure) ? (
        <EmergencyDoor patient={patient} opened={again} />
      ) : null}
      {loaded.state === "ready" && isCare ? (
        <EmergencyBanner patient={patient} closed={again} />
      ) : null}
      {isOpen ? (
        <RecordContext value={{ patient, base, isCare }}>
          <OpenApp patient={patient} />
          <div className="record-body">
            <SectionMenu label={words.record.sectionsLabel} links={sectionLinks(base)} />
            <div className="record-section">
              <Outlet />
            </div>
          </div>
        </RecordContext>
      ) : null}
    </div>
  );
}

const isForbidden = (failure: Failure): boolean =>
  failure.kind === "problem" && failure.code === "forbidden";

function Who({ person, isCare }: { readonly person: Person; readonly isCare: boolean }) {
  const { dates } = useApp();
  return (
    <div className="who">
      <span className="who-initial" aria-hidden="true">
        {initialOf(person.name)}
      </span>
      <div>
        <p className="who-name">{person.name}</p>
        <ul className="facts">
          {person.born === null ? null : <li>{words.record.born(dates.day(person.born))}</li>}
          {person.number === null ? null : <li>{words.record.number(person.number)}</li>}
          {person.isDeceased ? (
            <li>
              <Badge tone="plain">{words.record.deceased}</Badge>
            </li>
          ) : null}
        </ul>
        {isCare ? <p className="who-watched">{words.patients.watched}</p> : null}
      </div>
    </div>
  );
}

const sectionLinks = (base: string): readonly SectionLink[] => [
  { to: base, icon: "summary", name: words.sections.summary.name },
  ...sectionIds.map((id) => ({
    to: `${base}/${id}`,
    icon: id,
    name: words.sections[id].name,
  })),
];
