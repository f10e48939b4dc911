import { Button as AriaButton } from "react-aria-components/Button";
import { Disclosure, DisclosurePanel } from "react-aria-components/Disclosure";
import { accessLogPath } from "../api/records.ts";
import { useApp, useSignedIn } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { LookLine } from "../app/look-line.tsx";
import { Page } from "../app/page.tsx";
import { usePages } from "../app/pages.ts";
import { useRecords } from "../app/records.ts";
import { Icon } from "../design/icon.tsx";
import { Button, Empty, Notice, Waiting } from "../design/parts.tsx";
import { groupByDay, type LogDay, type Look } from "../log/readings.ts";
import { words } from "../words/en.ts";
import { NoRecord } from "./record/no-record.tsx";

const { access } = words;

/** Who has looked at the record, day by day. */
export function Component() {
  const { patient } = useSignedIn();
  return patient === null ? <NoRecord /> : <Readings patient={patient} />;
}

function Readings({ patient }: { readonly patient: string }) {
  const { dates } = useApp();
  const records = useRecords();
  const list = usePages(accessLogPath(patient), records.accessLog);
  const { loaded } = list;
  return (
    <Page title={access.title} lead={access.lead}>
      {loaded.state === "loading" ? (
        <Waiting words={words.loading(access.loading)} rows={5} />
      ) : null}
      {loaded.state === "failed" ? <Failed failure={loaded.failure} again={list.again} /> : null}
      {loaded.state === "ready" && loaded.value.length === 0 ? (
        <Empty icon="eye">{access.empty}</Empty>
      ) : null}
      {loaded.state === "ready"
        ? groupByDay(loaded.value, dates.dayKey).map((day) => <Day key={day.key} day={day} />)
        : null}
      {loaded.state === "ready" && loaded.value.length > 0 ? (
        <div className="more">
          {list.moreFailure === null ? null : <Failed failure={list.moreFailure} />}
          {list.hasMore ? (
            <Button look="quiet" isBusy={list.isLoadingMore} onPress={list.more}>
              {list.isLoadingMore ? words.loading(access.loading) : access.older}
            </Button>
          ) : (
            <p>{access.end}</p>
          )}
        </div>
      ) : null}
      <Notice tone="info" title={access.question}>
        <p>{access.questionText}</p>
      </Notice>
    </Page>
  );
}

function Day({ day }: { readonly day: LogDay }) {
  const { dates } = useApp();
  return (
    <section className="day">
      <h2 className="group-title">{dates.dayHeading(day.at)}</h2>
      <ul className="items">
        {day.looks.map((look) => (
          <li className="item" key={placeOf(look)}>
            <LookLine look={look} />
            <Proof look={look} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function placeOf({ lines }: Look): string {
  return lines.map(({ origin, index }) => `${origin} ${index}`).join(" ");
}

/** Where the lines stand in the log, for whoever wants to have them proven. */
function Proof({ look }: { readonly look: Look }) {
  const { dates } = useApp();
  return (
    <Disclosure className="proof">
      <AriaButton slot="trigger" className="proof-button">
        <Icon name="open" size={16} />
        {access.proof}
        <span className="unseen">
          {look.who}, {dates.moment(look.last)}
        </span>
      </AriaButton>
      <DisclosurePanel className="proof-panel">
        <p>{access.proofLead}</p>
        <ul>
          {look.lines.map(({ origin, index, time }) => (
            <li key={`${origin} ${index}`}>
              {dates.time(time)}: {access.proofPlace(String(index), origin)}
            </li>
          ))}
        </ul>
      </DisclosurePanel>
    </Disclosure>
  );
}
