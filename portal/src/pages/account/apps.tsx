import type { ConnectedApp } from "../../account/read.ts";
import { useAccount } from "../../app/account.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Page } from "../../app/page.tsx";
import { Empty } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { apps, sections } = words.account;

/** The apps that the person let read her record. */
export function Component() {
  const account = useAccount();
  const loading = useLoad("apps", account.apps);
  return (
    <Page title={words.account.title} heading={sections.apps}>
      <section className="stack">
        <h2>{apps.title}</h2>
        <p className="section-about">{apps.lead}</p>
        <LoadedPart of={loading} name={apps.loading}>
          {(all) =>
            all.length === 0 ? (
              <Empty icon="apps">{apps.none}</Empty>
            ) : (
              <ul className="items">
                {all.map((app) => (
                  <li className="item" key={app.id}>
                    <Line app={app} changed={loading.again} />
                  </li>
                ))}
              </ul>
            )
          }
        </LoadedPart>
      </section>
    </Page>
  );
}

function Line({ app, changed }: { readonly app: ConnectedApp; readonly changed: () => void }) {
  const { dates } = useApp();
  const account = useAccount();
  const { id, name, scopes, grantedAt, lastUsedAt } = app;
  return (
    <>
      <h3 className="item-name">{name}</h3>
      <ul className="facts item-when">
        {grantedAt === null ? null : <li>{apps.granted(dates.day(grantedAt))}</li>}
        <li>{lastUsedAt === null ? apps.neverUsed : apps.used(dates.moment(lastUsedAt))}</li>
      </ul>
      {scopes.length === 0 ? null : (
        <>
          <p>{apps.scopes}</p>
          <ul className="plain-list">
            {scopes.map((scope) => (
              <li key={scope}>{scope}</li>
            ))}
          </ul>
        </>
      )}
      <div className="actions">
        <Confirm
          name={apps.remove}
          label={apps.removeThis(name)}
          title={apps.removeTitle(name)}
          text={apps.removeText}
          work={() => account.disconnect(id)}
          then={changed}
        />
      </div>
    </>
  );
}
