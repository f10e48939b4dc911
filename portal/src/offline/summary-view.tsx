import { useEffect, useRef, type ReactNode } from "react";
import type { Dates } from "../dates/dates.ts";
import { Badge, Button } from "../design/parts.tsx";
import type { Observed } from "../fhir/observation.ts";
import { words } from "../words/en.ts";
import { valueWords } from "../words/values.ts";
import type { Summary } from "./summary.ts";

const { summary: told } = words.offline;

/** The summary as it was kept, only text. */
export function SummaryView(props: {
  readonly summary: Summary;
  readonly dates: Dates;
  readonly until: string;
  readonly hide: () => void;
}) {
  const { summary, dates, until, hide } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const since = (day: string | null): string | null =>
    day === null ? null : words.record.since(dates.day(day));
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {told.title}
          </h1>
          <p className="lead">{told.of(summary.name)}</p>
          <ul className="facts">
            {summary.born === null ? null : <li>{told.born(dates.day(summary.born))}</li>}
            <li>{told.taken(dates.moment(summary.takenAt))}</li>
            <li>{told.until(until)}</li>
          </ul>
        </div>
        <Button look="quiet" icon="lock" onPress={hide}>
          {told.hide}
        </Button>
      </header>
      {summary.isPart ? <p className="caution">{told.part}</p> : null}
      <Part name={told.allergies} items={summary.allergies}>
        {({ name, reactions, isSevere }) => (
          <Line
            name={name}
            facts={[reactions.length === 0 ? null : reactions.join(", ")]}
            badge={
              isSevere ? (
                <Badge tone="danger" icon="warning">
                  {words.record.allergies.severe}
                </Badge>
              ) : null
            }
          />
        )}
      </Part>
      <Part name={told.medicines} items={summary.medicines}>
        {({ name, directions }) => <Line name={name} facts={directions} />}
      </Part>
      <Part name={told.problems} items={summary.problems}>
        {({ name, since: day }) => <Line name={name} facts={[since(day)]} />}
      </Part>
      <Part name={told.immunisations} items={summary.immunisations}>
        {({ name, given }) => (
          <Line name={name} facts={[given === null ? null : dates.day(given)]} />
        )}
      </Part>
      <Part name={told.results} items={summary.results}>
        {(observed) => <Line name={observed.name} facts={resultFacts(observed, dates)} />}
      </Part>
    </div>
  );
}

function resultFacts({ parts, at }: Observed, dates: Dates): readonly (string | null)[] {
  const values = parts.map((part) => {
    const value = valueWords(part.value, dates);
    const said = parts.length > 1 ? `${part.name}: ${value}` : value;
    return part.standing === "unknown" || part.standing === "in-range"
      ? said
      : `${said} (${words.record.results.standings[part.standing]})`;
  });
  return [...values, at === null ? null : dates.day(at)];
}

function Part<T extends { readonly id: string }>(props: {
  readonly name: string;
  readonly items: readonly T[];
  readonly children: (item: T) => ReactNode;
}) {
  const { name, items, children } = props;
  return (
    <section className="stack">
      <h2 className="group-title">{name}</h2>
      {items.length === 0 ? <p className="group-empty">{told.nothing}</p> : null}
      {items.length === 0 ? null : (
        <ul className="items">
          {items.map((item) => (
            <li className="item" key={item.id}>
              {children(item)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Line(props: {
  readonly name: string;
  readonly facts: readonly (string | null)[];
  readonly badge?: ReactNode;
}) {
  const { name, facts, badge = null } = props;
  const said = facts.filter((fact): fact is string => fact !== null && fact !== "");
  return (
    <>
      <div className="item-top">
        <p className="item-name">{name}</p>
        {badge}
      </div>
      {said.length === 0 ? null : (
        <ul className="facts item-when">
          {said.map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      )}
    </>
  );
}
