import { useNavigate } from "react-router";
import type { OwnSession } from "../../../../src/core/wire.ts";
import { useAccount } from "../../app/account.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Page } from "../../app/page.tsx";
import { Badge } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";
import { KeepSummary } from "./keep-summary.tsx";
import { SecondDevice } from "./second-device.tsx";

const { devices, sections } = words.account;

/** Where the person is signed in, and the way out of each place or of all. */
export function Component() {
  const account = useAccount();
  const { session } = useApp();
  const navigate = useNavigate();
  const loading = useLoad("sessions", account.sessions);
  const gone = async (): Promise<void> => {
    const ended = session.end("signed-out");
    await navigate("/", { replace: true });
    await ended;
  };
  return (
    <Page title={words.account.title} heading={sections.devices}>
      <SecondDevice />
      <KeepSummary />
      <section className="stack">
        <h2>{devices.title}</h2>
        <p className="section-about">{devices.lead}</p>
        <LoadedPart of={loading} name={devices.loading}>
          {(sessions) => (
            <ul className="items">
              {sessions.map((stay) => (
                <li className="item" key={stay.id}>
                  <Line stay={stay} changed={loading.again} />
                </li>
              ))}
            </ul>
          )}
        </LoadedPart>
        <div className="actions">
          <Confirm
            name={devices.everywhere}
            title={devices.everywhereTitle}
            text={devices.everywhereText}
            work={account.signOutEverywhere}
            then={() => void gone()}
          />
        </div>
      </section>
    </Page>
  );
}

function Line({ stay, changed }: { readonly stay: OwnSession; readonly changed: () => void }) {
  const { dates } = useApp();
  const account = useAccount();
  const { id, lastPlace, lastSeenAt, isThis } = stay;
  const name = stay.deviceName ?? devices.unnamed;
  return (
    <>
      <div className="item-top">
        <h3 className="item-name">{name}</h3>
        {isThis ? <Badge tone="ok">{devices.thisOne}</Badge> : null}
      </div>
      <ul className="facts item-when">
        <li>{devices.seen(dates.moment(lastSeenAt))}</li>
        {lastPlace === null ? null : <li>{devices.from(lastPlace)}</li>}
      </ul>
      {isThis ? null : (
        <div className="actions">
          <Confirm
            name={devices.end}
            label={devices.endThis(name)}
            title={devices.endTitle(name)}
            text={devices.endText}
            work={() => account.endSession(id)}
            then={changed}
          />
        </div>
      )}
    </>
  );
}
