import { useState } from "react";
import type { RegisteredApp } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Page } from "../../app/page.tsx";
import { Badge, Button, Empty } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";
import { AppForm } from "./app-form.tsx";

const { apps } = words.administration;

/** Apps and services that may ask for tokens, or wait to be approved. */
export function Component() {
  const administration = useAdministration();
  const loading = useLoad("apps", administration.apps);
  const [isAdding, setIsAdding] = useState(false);
  const added = (): void => {
    setIsAdding(false);
    loading.again();
  };
  return (
    <Page title={apps.title} lead={apps.lead}>
      {isAdding ? (
        <AppForm sent={added} cancel={() => setIsAdding(false)} />
      ) : (
        <div className="actions">
          <Button icon="add" onPress={() => setIsAdding(true)}>
            {apps.add}
          </Button>
        </div>
      )}
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
    </Page>
  );
}

const tones = { pending: "high", approved: "ok", revoked: "plain" } as const;

function Line({ app, changed }: { readonly app: RegisteredApp; readonly changed: () => void }) {
  const { dates } = useApp();
  const { id, name, kind, binding, status, redirectUris, scopes, registeredAt } = app;
  return (
    <>
      <div className="item-top">
        <h2 className="item-name">{name}</h2>
        <Badge tone={tones[status]}>{apps.states[status]}</Badge>
      </div>
      <ul className="facts item-when">
        <li>{apps.kinds[kind]}</li>
        <li>{apps.registered(dates.day(registeredAt))}</li>
      </ul>
      <p className="item-when">{apps.clientId(id)}</p>
      <p className={binding === "bearer" ? "field-wrong" : "item-when"}>{apps.bindings[binding]}</p>
      <Texts title={apps.asks} texts={scopes} />
      {redirectUris.length === 0 ? null : <Texts title={apps.returns} texts={redirectUris} />}
      <Decisions app={app} changed={changed} />
    </>
  );
}

function Texts({ title, texts }: { readonly title: string; readonly texts: readonly string[] }) {
  return (
    <>
      <p>{title}</p>
      <ul className="plain-list">
        {texts.map((each) => (
          <li key={each} className="written">
            {each}
          </li>
        ))}
      </ul>
    </>
  );
}

function Decisions({
  app,
  changed,
}: {
  readonly app: RegisteredApp;
  readonly changed: () => void;
}) {
  const administration = useAdministration();
  const { id, name, status } = app;
  if (status === "revoked") return null;
  return (
    <div className="actions">
      {status === "pending" ? (
        <Confirm
          name={apps.approve}
          label={apps.approveThis(name)}
          title={apps.approveTitle(name)}
          text={apps.approveText}
          work={() => administration.approve(id)}
          then={changed}
        />
      ) : null}
      <Confirm
        name={apps.revoke}
        label={apps.revokeThis(name)}
        title={apps.revokeTitle(name)}
        text={apps.revokeText}
        work={() => administration.revoke(id)}
        then={changed}
      />
    </div>
  );
}
