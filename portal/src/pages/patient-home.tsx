import { Link } from "react-router";
import { done, type Outcome } from "../api/failure.ts";
import { accessLogPath, type Records } from "../api/records.ts";
import { useApp, useSignedIn } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { useLoad } from "../app/load.ts";
import { LookLine } from "../app/look-line.tsx";
import { Page } from "../app/page.tsx";
import { useRecords } from "../app/records.ts";
import { Icon, type IconName } from "../design/icon.tsx";
import { Empty, Waiting } from "../design/parts.tsx";
import { readVisit } from "../fhir/chart.ts";
import { readDocument } from "../fhir/document.ts";
import { readObservation } from "../fhir/observation.ts";
import { newestFirst } from "../dates/order.ts";
import { groupByDay } from "../log/readings.ts";
import { words } from "../words/en.ts";
import { partOfDay } from "../words/greeting.ts";
import { SectionCards } from "./record/summary.tsx";

const { home } = words;

/** What is new, who looked, and the doors to the record. */
export function PatientHome({ patient }: { readonly patient: string }) {
  const { me } = useSignedIn();
  const firstName = me.displayName.split(" ")[0] ?? me.displayName;
  const heading = home.greeting(firstName, partOfDay(new Date().getHours()));
  return (
    <Page title={home.title} heading={heading}>
      <div className="home">
        <News patient={patient} />
        <LastLooks patient={patient} />
        <section className="home-sections">
          <h2>{home.sections}</h2>
          <SectionCards base="/record" />
        </section>
      </div>
    </Page>
  );
}

interface NewsItem {
  readonly id: string;
  readonly kind: keyof typeof home.newKinds;
  readonly name: string;
  readonly at: string | null;
}

const newsShown = 4;
const newsDoors: Record<NewsItem["kind"], { to: string; icon: IconName }> = {
  result: { to: "/record/results", icon: "results" },
  visit: { to: "/record/visits", icon: "visits" },
  document: { to: "/record/documents", icon: "documents" },
};

function News({ patient }: { readonly patient: string }) {
  const { dates } = useApp();
  const records = useRecords();
  const { loaded, again } = useLoad(patient, (signal) => loadNews(records, patient, signal));
  return (
    <section className="card home-news" aria-labelledby="news">
      <h2 id="news">{home.news}</h2>
      {loaded.state === "loading" ? <Waiting words={words.loading(home.newsLoading)} /> : null}
      {loaded.state === "failed" ? <Failed failure={loaded.failure} again={again} /> : null}
      {loaded.state === "ready" && loaded.value.length === 0 ? (
        <Empty icon="record">{home.newsEmpty}</Empty>
      ) : null}
      {loaded.state === "ready" && loaded.value.length > 0 ? (
        <ul className="news">
          {loaded.value.map(({ id, kind, name, at }) => (
            <li key={`${kind} ${id}`}>
              <Link className="news-item" to={newsDoors[kind].to}>
                <Icon name={newsDoors[kind].icon} />
                <span className="news-words">
                  <span className="news-name">{name}</span>
                  <span className="news-facts">
                    {home.newKinds[kind]}
                    {at === null ? "" : ` · ${dates.day(at)}`}
                  </span>
                </span>
                <Icon name="next" size={18} />
              </Link>
            </li>
          ))}
        </ul>
      ) : null}
      <Onward to="/record">{home.newsAll}</Onward>
    </section>
  );
}

function Onward({ to, children }: { readonly to: string; readonly children: string }) {
  return (
    <Link className="onward" to={to}>
      {children}
      <Icon name="next" size={18} />
    </Link>
  );
}

async function loadNews(
  records: Records,
  patient: string,
  signal: AbortSignal,
): Promise<Outcome<readonly NewsItem[]>> {
  const query = new URLSearchParams({ patient, _sort: "-date", _count: "4" }).toString();
  const [results, visits, documents] = await Promise.all([
    records.search(`/fhir/Observation?category=laboratory&${query}`, readResultNews, signal),
    records.search(`/fhir/Encounter?${query}`, readVisitNews, signal),
    records.search(`/fhir/DocumentReference?${query}`, readDocumentNews, signal),
  ]);
  if (!results.ok) return results;
  if (!visits.ok) return visits;
  if (!documents.ok) return documents;
  const all = [...results.value.items, ...visits.value.items, ...documents.value.items];
  return done(newestFirst(all, ({ at }) => at).slice(0, newsShown));
}

function readResultNews(resource: unknown): NewsItem | null {
  const observed = readObservation(resource);
  if (observed === null) return null;
  return { id: observed.id, kind: "result", name: observed.name, at: observed.at };
}

function readVisitNews(resource: unknown): NewsItem | null {
  const visit = readVisit(resource);
  if (visit === null) return null;
  const name = visit.name ?? words.record.visits.unnamed;
  return { id: visit.id, kind: "visit", name, at: visit.start };
}

function readDocumentNews(resource: unknown): NewsItem | null {
  const document = readDocument(resource);
  if (document === null) return null;
  return { id: document.id, kind: "document", name: document.name, at: document.date };
}

const looksShown = 3;

function LastLooks({ patient }: { readonly patient: string }) {
  const { dates } = useApp();
  const records = useRecords();
  const { loaded, again } = useLoad(patient, (signal) =>
    records.accessLog(accessLogPath(patient), signal),
  );
  return (
    <section className="card home-looks" aria-labelledby="looks">
      <h2 id="looks">{home.lastLook}</h2>
      {loaded.state === "loading" ? <Waiting words={words.loading(words.access.loading)} /> : null}
      {loaded.state === "failed" ? <Failed failure={loaded.failure} again={again} /> : null}
      {loaded.state === "ready" && loaded.value.items.length === 0 ? (
        <Empty icon="eye">{home.lastLookEmpty}</Empty>
      ) : null}
      {loaded.state === "ready" ? (
        <ul className="looks">
          {groupByDay(loaded.value.items, dates.dayKey)
            .flatMap(({ looks }) => looks)
            .slice(0, looksShown)
            .map((look) => (
              <li key={`${look.last} ${look.who} ${look.action}`}>
                <LookLine look={look} isDated />
              </li>
            ))}
        </ul>
      ) : null}
      <Onward to="/access">{home.lastLookAll}</Onward>
    </section>
  );
}
