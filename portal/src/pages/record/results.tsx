import { useState } from "react";
import { usePages } from "../../app/pages.ts";
import { useRecords } from "../../app/records.ts";
import { SearchField } from "../../design/fields.tsx";
import { Empty } from "../../design/parts.tsx";
import { readObservation, type Observed } from "../../fhir/observation.ts";
import { groupByTest, needsALook } from "../../fhir/tests.ts";
import { words } from "../../words/en.ts";
import { Listing } from "./listing.tsx";
import { useRecord } from "./record-context.ts";
import { sectionSearch } from "./sections.ts";
import { Test } from "./test.tsx";

const { results } = words.record;

/** Laboratory tests and measurements, one entry a test, with its history inside. */
export function Results() {
  const { isCare } = useRecord();
  const [typed, setTyped] = useState("");
  const lab = useObservations("laboratory");
  const vital = useObservations("vital-signs");
  return (
    <>
      <div className="no-print">
        <SearchField
          label={results.find}
          help={results.findHelp}
          value={typed}
          onChange={setTyped}
        />
      </div>
      {isCare ? null : <p className="caution">{results.meaning}</p>}
      <h2 className="group-title">{results.lab}</h2>
      <Listing list={lab} name={results.lab} icon="results" empty={results.empty}>
        {(observed) => <Tests observed={observed} typed={typed} />}
      </Listing>
      <h2 className="group-title">{results.vital}</h2>
      <Listing list={vital} name={results.vital} icon="results" empty={results.emptyVital}>
        {(observed) => <Tests observed={observed} typed={typed} />}
      </Listing>
    </>
  );
}

function useObservations(category: string) {
  const { patient } = useRecord();
  const records = useRecords();
  const first = sectionSearch("Observation", patient, { category, _sort: "-date" });
  return usePages(first, (path, signal) => records.search(path, readObservation, signal));
}

function Tests({
  observed,
  typed,
}: {
  readonly observed: readonly Observed[];
  readonly typed: string;
}) {
  const wanted = typed.trim().toLowerCase();
  const tests = groupByTest(observed).filter(({ name }) => name.toLowerCase().includes(wanted));
  if (tests.length === 0) return <Empty icon="search">{results.none}</Empty>;
  return (
    <>
      {tests.some(({ latest }) => needsALook(latest)) ? (
        <p className="group-empty">{results.outOfRangeFirst}</p>
      ) : null}
      <ul className="items">
        {tests.map((history) => (
          <li className="item item-test" key={history.test}>
            <Test history={history} />
          </li>
        ))}
      </ul>
    </>
  );
}
