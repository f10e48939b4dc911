import { lazy, Suspense, useState } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Disclosure, DisclosurePanel } from "react-aria-components/Disclosure";
import { Heading } from "react-aria-components/Heading";
import { useApp } from "../../app/context.ts";
import { Icon, type IconName } from "../../design/icon.tsx";
import { Badge, Button, Waiting } from "../../design/parts.tsx";
import type { Observed, Part } from "../../fhir/observation.ts";
import type { Standing } from "../../fhir/range.ts";
import { seriesOf, type TestHistory } from "../../fhir/tests.ts";
import { words } from "../../words/en.ts";
import { rangeWords, valueWords } from "../../words/values.ts";

const { results } = words.record;

// The chart library is larger than all else together: it comes when a test is opened.
const Chart = lazy(async () => ({ default: (await import("./chart.tsx")).Chart }));

/** One test: its latest value in plain sight, its history behind a button. */
export function Test({ history }: { readonly history: TestHistory }) {
  const { dates } = useApp();
  const { latest, all, name } = history;
  return (
    <Disclosure className="test">
      {({ isExpanded }) => (
        <>
          <Heading level={3} className="test-heading">
            <AriaButton slot="trigger" className="test-button">
              <span className="test-name">
                {name}
                <span className="test-when">
                  {latest.at === null ? words.notRecorded : dates.day(latest.at)}
                  {all.length > 1 ? ` · ${results.times(all.length)}` : ""}
                </span>
              </span>
              <span className="test-values">
                {latest.parts.map((part) => (
                  <PartValue key={part.key} part={part} isNamed={latest.parts.length > 1} />
                ))}
                {latest.isFinal ? null : <Badge tone="plain">{results.notFinal}</Badge>}
              </span>
              <span className="test-open">
                <Icon name="open" />
              </span>
            </AriaButton>
          </Heading>
          <DisclosurePanel className="test-panel">
            {isExpanded ? <History history={history} /> : null}
          </DisclosurePanel>
        </>
      )}
    </Disclosure>
  );
}

function PartValue({ part, isNamed }: { readonly part: Part; readonly isNamed: boolean }) {
  const { dates } = useApp();
  return (
    <span className="part">
      {isNamed ? <span className="part-name">{part.name}</span> : null}
      <span className="part-value">{valueWords(part.value, dates)}</span>
      <StandingBadge standing={part.standing} />
    </span>
  );
}

const standingLooks: Record<
  Exclude<Standing, "unknown">,
  { tone: "ok" | "high" | "low" | "danger"; icon: IconName }
> = {
  "in-range": { tone: "ok", icon: "check" },
  high: { tone: "high", icon: "up" },
  low: { tone: "low", icon: "down" },
  "very-high": { tone: "danger", icon: "up" },
  "very-low": { tone: "danger", icon: "down" },
  unusual: { tone: "high", icon: "warning" },
};

export function StandingBadge({ standing }: { readonly standing: Standing }) {
  if (standing === "unknown") return null;
  const { tone, icon } = standingLooks[standing];
  return (
    <Badge tone={tone} icon={icon}>
      {results.standings[standing]}
    </Badge>
  );
}

function History({ history }: { readonly history: TestHistory }) {
  const { latest, name } = history;
  const { dates } = useApp();
  const series = seriesOf(history);
  const ranges = latest.parts.flatMap((part) => {
    const range = rangeWords(part, dates);
    return range === null ? [] : [{ key: part.key, name: part.name, range }];
  });
  return (
    <>
      <ul className="facts">
        {ranges.map((one) => (
          <li key={one.key}>
            {ranges.length > 1 ? `${one.name}: ` : ""}
            {results.usual(one.range)}
          </li>
        ))}
        {latest.parts.every(({ standing }) => standing === "unknown") ? (
          <li>{results.standings.unknown}</li>
        ) : null}
        {latest.performer === null ? null : <li>{results.performer(latest.performer)}</li>}
      </ul>
      {latest.notes.map((note) => (
        <p className="note" key={note}>
          {note}
        </p>
      ))}
      {series.length === 0 ? null : (
        <Suspense fallback={<Waiting words={words.loading(results.chartLoading)} rows={1} />}>
          <Chart name={name} series={series} />
        </Suspense>
      )}
      <Table history={history} />
    </>
  );
}

const rowsAtFirst = 8;

function Table({ history }: { readonly history: TestHistory }) {
  const { all, name } = history;
  const [isWhole, setIsWhole] = useState(false);
  const rows = isWhole ? all : all.slice(0, rowsAtFirst);
  return (
    <div className="table-frame">
      <table>
        <caption className="unseen">{results.tableCaption(name)}</caption>
        <thead>
          <tr>
            <th scope="col">{results.date}</th>
            <th scope="col">{results.value}</th>
            <th scope="col">{results.standing}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((observed) => (
            <Row key={observed.id} observed={observed} />
          ))}
        </tbody>
      </table>
      {rows.length === all.length ? null : (
        <Button look="plain" onPress={() => setIsWhole(true)}>
          {results.allValues(all.length)}
        </Button>
      )}
    </div>
  );
}

function Row({ observed }: { readonly observed: Observed }) {
  const { dates } = useApp();
  const { at, parts } = observed;
  return parts.map((part, place) => (
    <tr key={part.key}>
      {place === 0 ? (
        <th scope="row" rowSpan={parts.length}>
          {at === null ? words.notRecorded : dates.day(at)}
        </th>
      ) : null}
      <td>
        {parts.length > 1 ? <span className="part-name">{part.name}</span> : null}{" "}
        {valueWords(part.value, dates)}
      </td>
      <td>
        {part.standing === "unknown" ? (
          <span aria-label={results.standings.unknown} role="img">
            –
          </span>
        ) : (
          <StandingBadge standing={part.standing} />
        )}
      </td>
    </tr>
  ));
}
