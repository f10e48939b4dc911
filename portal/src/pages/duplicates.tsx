import type { ChartPair, StandingMerge } from "../../../src/core/wire.ts";
import { useCharts } from "../app/charts.ts";
import { useApp } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { useLoad } from "../app/load.ts";
import { Page } from "../app/page.tsx";
import { usePages } from "../app/pages.ts";
import { Badge, Empty, Notice, Waiting } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { Comparison } from "./charts/comparison.tsx";
import { Decide } from "./charts/decide.tsx";
import { Listing } from "./record/listing.tsx";

const { charts } = words;

/** Charts that may be one person's, for the person who decides; and what was decided before. */
export function Component() {
  const server = useCharts();
  const pairs = usePages("", (place, signal) => server.pairs(place, signal));
  const merges = useLoad("merges", (signal) => server.merges(signal));
  const changed = (): void => {
    pairs.again();
    merges.again();
  };
  return (
    <Page title={charts.title} lead={charts.lead}>
      <Notice tone="high" title={charts.careTitle}>
        <p>{charts.care}</p>
      </Notice>
      <section className="stack">
        <h2>{charts.proposed}</h2>
        <Listing list={pairs} name={charts.loading} icon="people" empty={charts.none}>
          {(found) => (
            <ul className="items">
              {found.map((pair) => (
                <li className="item" key={`${pair.one.id} ${pair.other.id}`}>
                  <Pair pair={pair} changed={changed} />
                </li>
              ))}
            </ul>
          )}
        </Listing>
      </section>
      <section className="stack">
        <h2>{charts.merged}</h2>
        {merges.loaded.state === "loading" ? (
          <Waiting words={words.loading(charts.mergesLoading)} />
        ) : null}
        {merges.loaded.state === "failed" ? (
          <Failed failure={merges.loaded.failure} again={merges.again} />
        ) : null}
        {merges.loaded.state === "ready" ? (
          <Merges merges={merges.loaded.value} changed={changed} />
        ) : null}
      </section>
    </Page>
  );
}

const tones = { certain: "danger", probable: "high", possible: "low" } as const;

function Pair({ pair, changed }: { readonly pair: ChartPair; readonly changed: () => void }) {
  const { one, other, grade, evidence } = pair;
  const name = one.name ?? other.name ?? charts.unnamed;
  return (
    <>
      <div className="item-top">
        <h3 className="item-name">{name}</h3>
        <Badge tone={tones[grade]}>{charts.grades[grade]}</Badge>
      </div>
      <Comparison one={one} other={other} evidence={evidence} />
      <details>
        <summary>{charts.decideThis(name)}</summary>
        <Decide one={one} other={other} isMerged={false} changed={changed} />
      </details>
    </>
  );
}

function Merges(props: {
  readonly merges: readonly StandingMerge[];
  readonly changed: () => void;
}) {
  const { merges, changed } = props;
  const { dates } = useApp();
  if (merges.length === 0) return <Empty icon="check">{charts.noMerges}</Empty>;
  return (
    <ul className="items">
      {merges.map(({ id, at, byYou, survivor, other }) => {
        const name = survivor.name ?? charts.unnamed;
        return (
          <li className="item" key={id}>
            <div className="item-top">
              <h3 className="item-name">{name}</h3>
              <p className="item-when">{charts.mergedOn(dates.day(at), byYou)}</p>
            </div>
            <Comparison one={survivor} other={other} evidence={[]} />
            <details>
              <summary>{charts.partThis(name)}</summary>
              <Decide one={survivor} other={other} isMerged changed={changed} />
            </details>
          </li>
        );
      })}
    </ul>
  );
}
