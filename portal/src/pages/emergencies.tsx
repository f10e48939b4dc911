import { useState } from "react";
import type { EmergencyLine } from "../../../src/core/wire.ts";
import { useApp } from "../app/context.ts";
import { useEmergencies } from "../app/emergencies.ts";
import { useLoad } from "../app/load.ts";
import { LoadedPart } from "../app/loaded-part.tsx";
import { Page } from "../app/page.tsx";
import { Badge, Button, Empty } from "../design/parts.tsx";
import { emergencyWords } from "../words/emergency.ts";
import { Review } from "./emergencies/review.tsx";

const { queue } = emergencyWords;

/** Charts that were opened in an emergency: first those that nobody has looked into. */
export function Component() {
  const emergencies = useEmergencies();
  const lines = useLoad("emergencies", (signal) => emergencies.openings(null, signal));
  return (
    <Page title={queue.title} lead={queue.lead}>
      <LoadedPart of={lines} name={queue.loading}>
        {(all) => (
          <>
            <Part
              title={queue.owed}
              lines={all.filter(({ isReviewed }) => !isReviewed)}
              empty={queue.owedEmpty}
              changed={lines.again}
            />
            <Part
              title={queue.reviewed}
              lines={all.filter(({ isReviewed }) => isReviewed)}
              empty={queue.reviewedEmpty}
              changed={lines.again}
            />
          </>
        )}
      </LoadedPart>
    </Page>
  );
}

function Part(props: {
  readonly title: string;
  readonly lines: readonly EmergencyLine[];
  readonly empty: string;
  readonly changed: () => void;
}) {
  const { title, lines, empty, changed } = props;
  return (
    <section className="stack">
      <h2>{title}</h2>
      {lines.length === 0 ? (
        <Empty icon="check">{empty}</Empty>
      ) : (
        <ul className="items">
          {lines.map((line) => (
            <li className="item" key={`${line.id} ${line.version}`}>
              <Line line={line} changed={changed} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Line(props: { readonly line: EmergencyLine; readonly changed: () => void }) {
  const { line, changed } = props;
  const { dates } = useApp();
  const [isWriting, setIsWriting] = useState(false);
  const { words } = line;
  if (words === null)
    return (
      <p>
        {queue.gone} {queue.at(dates.moment(line.openedAt))}
      </p>
    );
  const name = words.name ?? queue.unnamed;
  return (
    <>
      <div className="item-top">
        <h3 className="item-name">{name}</h3>
        <Badge tone={line.isOpen ? "high" : "plain"}>
          {line.isOpen ? queue.isOpen(dates.time(line.endsAt)) : queue.isOver}
        </Badge>
      </div>
      <ul className="facts item-when">
        {words.birthDate === null ? null : <li>{queue.born(dates.day(words.birthDate))}</li>}
        <li>{queue.by(words.who)}</li>
        <li>{queue.at(dates.moment(line.openedAt))}</li>
        <li>{queue.count(words.count)}</li>
      </ul>
      <dl className="terms">
        <div className="term">
          <dt>{queue.reason}</dt>
          <dd>{words.reason}</dd>
        </div>
        {words.review === null ? null : (
          <div className="term">
            <dt>{queue.found}</dt>
            <dd>
              {queue.findings[words.review.finding]}: {words.review.words}
            </dd>
          </div>
        )}
      </dl>
      {line.isReviewed ? null : words.byYou ? (
        <p className="item-when">{queue.own}</p>
      ) : isWriting ? (
        <Review line={line} changed={changed} />
      ) : (
        <div className="actions">
          <Button
            look="quiet"
            aria-label={queue.reviewThis(name)}
            onPress={() => setIsWriting(true)}
          >
            {queue.review}
          </Button>
        </div>
      )}
    </>
  );
}
