import { useState } from "react";
import type { AccessRequestLine, AccessRequestWords } from "../../../src/core/wire.ts";
import { daysLeft, urgencyOf } from "../access/days.ts";
import { useAccess } from "../app/access.ts";
import { useApp } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { useLoad } from "../app/load.ts";
import { Page } from "../app/page.tsx";
import { Badge, Button, Empty, Notice, Waiting } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { Decide } from "./access/decide.tsx";
import { Outcome } from "./access/outcome.tsx";

const { register } = words;

/** The register of those who asked for their record, what is owed first. */
export function Component() {
  const access = useAccess();
  const { loaded, again } = useLoad("register", (signal) => access.requests(null, signal));
  const lines = loaded.state === "ready" ? loaded.value : [];
  const open = lines.filter(({ isOpen }) => isOpen);
  const closed = lines.filter(({ isOpen }) => !isOpen);
  return (
    <Page title={register.title} lead={register.lead}>
      {loaded.state === "loading" ? <Waiting words={words.loading(register.loading)} /> : null}
      {loaded.state === "failed" ? <Failed failure={loaded.failure} again={again} /> : null}
      {loaded.state === "ready" ? (
        <>
          <Part title={register.open} lines={open} empty={register.openEmpty} changed={again} />
          <Part
            title={register.closed}
            lines={closed}
            empty={register.closedEmpty}
            changed={again}
          />
        </>
      ) : null}
      <Notice tone="info" title={register.law} />
    </Page>
  );
}

function Part(props: {
  readonly title: string;
  readonly lines: readonly AccessRequestLine[];
  readonly empty: string;
  readonly changed: () => void;
}) {
  const { title, lines, empty, changed } = props;
  return (
    <section className="stack">
      <h2>{title}</h2>
      {lines.length === 0 ? <Empty icon="check">{empty}</Empty> : null}
      {lines.length === 0 ? null : (
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

function Line({
  line,
  changed,
}: {
  readonly line: AccessRequestLine;
  readonly changed: () => void;
}) {
  const { dates } = useApp();
  const [isDeciding, setIsDeciding] = useState(false);
  const { request } = line;
  if (request === null)
    return (
      <p>
        {register.gone} {register.asked(dates.day(line.askedOn))}
      </p>
    );
  const name = request.name ?? register.unnamed;
  return (
    <>
      <div className="item-top">
        <h3 className="item-name">{name}</h3>
        {line.isOpen ? <Countdown dueOn={line.dueOn} /> : <Outcome now={request.now} isShort />}
      </div>
      <ul className="facts item-when">
        {request.birthDate === null ? null : <li>{register.born(dates.day(request.birthDate))}</li>}
        <li>{register.asked(dates.day(line.askedOn))}</li>
        <li>{register.due(dates.day(line.dueOn))}</li>
      </ul>
      <Asked request={request} />
      {line.isOpen ? null : <Outcome now={request.now} />}
      {line.isOpen && !isDeciding ? (
        <div className="actions">
          <Button
            look="quiet"
            aria-label={register.answerThis(name)}
            onPress={() => setIsDeciding(true)}
          >
            {register.answer}
          </Button>
        </div>
      ) : null}
      {line.isOpen && isDeciding ? <Decide line={line} changed={changed} /> : null}
    </>
  );
}

const tones = { calm: "low", soon: "high", late: "danger" } as const;

function Countdown({ dueOn }: { readonly dueOn: string }) {
  const { dates } = useApp();
  const left = daysLeft(dueOn, dates.today());
  return <Badge tone={tones[urgencyOf(left)]}>{register.left(left)}</Badge>;
}

const forms: ReadonlyMap<string, string> = new Map(Object.entries(words.requests.forms));

function Asked({ request }: { readonly request: AccessRequestWords }) {
  const { dates } = useApp();
  const { wants, form, sendTo, extension } = request;
  const terms = [
    [register.wants, wants],
    [register.form, forms.get(form) ?? form],
    [register.sendTo, sendTo ?? register.noSendTo],
    ...(extension === null
      ? []
      : [[register.extendedUntil(dates.day(extension.until)), extension.reason]]),
  ];
  return (
    <dl className="terms">
      {terms.map(([term, said]) => (
        <div className="term" key={term}>
          <dt>{term}</dt>
          <dd className="written">{said}</dd>
        </div>
      ))}
    </dl>
  );
}
