import { useState } from "react";
import type { OwnPasskey } from "../../../../src/core/wire.ts";
import { useAccount } from "../../app/account.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Button, Empty } from "../../design/parts.tsx";
import { guessDeviceName } from "../../session/device-name.ts";
import { words } from "../../words/en.ts";
import { NameForm } from "./name-form.tsx";

const { passkeys } = words.account;

/** The passkeys of the person: each can be named anew or removed, and more can be added. */
export function Passkeys() {
  const account = useAccount();
  const loading = useLoad("passkeys", account.passkeys);
  const [isAdding, setIsAdding] = useState(false);
  const added = (): void => {
    setIsAdding(false);
    loading.again();
  };
  return (
    <section className="stack">
      <h2>{passkeys.title}</h2>
      <p className="section-about">{passkeys.lead}</p>
      <LoadedPart of={loading} name={passkeys.loading}>
        {(all) => <List all={all} changed={loading.again} />}
      </LoadedPart>
      {isAdding ? (
        <NameForm
          label={passkeys.name}
          help={passkeys.nameHelp}
          first={guessDeviceName()}
          save={passkeys.add}
          saving={passkeys.addBusy}
          send={account.addPasskey}
          sent={added}
          cancel={() => setIsAdding(false)}
        />
      ) : (
        <div className="actions">
          <Button look="quiet" icon="add" onPress={() => setIsAdding(true)}>
            {passkeys.add}
          </Button>
        </div>
      )}
    </section>
  );
}

function List(props: { readonly all: readonly OwnPasskey[]; readonly changed: () => void }) {
  const { all, changed } = props;
  if (all.length === 0) return <Empty icon="key">{passkeys.none}</Empty>;
  return (
    <ul className="items">
      {all.map((passkey) => (
        <li className="item" key={passkey.id}>
          <Line passkey={passkey} changed={changed} />
        </li>
      ))}
    </ul>
  );
}

function Line(props: { readonly passkey: OwnPasskey; readonly changed: () => void }) {
  const { passkey, changed } = props;
  const { dates } = useApp();
  const account = useAccount();
  const [isNaming, setIsNaming] = useState(false);
  const { id, createdAt, lastUsedAt } = passkey;
  const name = passkey.name === "" ? passkeys.unnamed : passkey.name;
  return (
    <>
      <h3 className="item-name">{name}</h3>
      <ul className="facts item-when">
        <li>{passkeys.made(dates.day(createdAt))}</li>
        <li>
          {lastUsedAt === null ? passkeys.neverUsed : passkeys.used(dates.moment(lastUsedAt))}
        </li>
      </ul>
      {isNaming ? (
        <NameForm
          label={passkeys.newName}
          first={name}
          save={passkeys.save}
          saving={passkeys.saving}
          send={(typed) => account.renamePasskey(id, typed)}
          sent={changed}
          cancel={() => setIsNaming(false)}
        />
      ) : (
        <div className="actions">
          <Button
            look="quiet"
            aria-label={passkeys.renameThis(name)}
            onPress={() => setIsNaming(true)}
          >
            {passkeys.rename}
          </Button>
          <Confirm
            name={passkeys.remove}
            label={passkeys.removeThis(name)}
            title={passkeys.removeTitle(name)}
            text={passkeys.removeText}
            work={() => account.removePasskey(id)}
            then={changed}
          />
        </div>
      )}
    </>
  );
}
