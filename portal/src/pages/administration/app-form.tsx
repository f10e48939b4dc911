import { useState } from "react";
import type { RegisteredApp } from "../../administration/read.ts";
import type { AppWish } from "../../api/administration.ts";
import { useAdministration } from "../../app/administration.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { ChoiceField, LongTextField, TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { apps } = words.administration;

type Kind = RegisteredApp["kind"];
const kinds = (["public", "confidential", "backend"] as const).map((value) => ({
  value,
  name: apps.kinds[value],
}));
const addressCharacters = 2_000;

interface Written {
  readonly name: string;
  readonly kind: Kind;
  readonly redirects: string;
  readonly launch: string;
  readonly keys: string;
  readonly scopes: string;
}

const pieces = (typed: string): readonly string[] => [
  ...new Set(typed.split(/\s+/).filter((each) => each !== "")),
];

/** Which fields still need something, by name. */
function wrongOf({ name, kind, redirects, keys, scopes }: Written) {
  return {
    name: name.trim() === "" ? apps.nameMissing : null,
    redirects: kind !== "backend" && pieces(redirects).length === 0 ? apps.redirectsMissing : null,
    keys: kind !== "public" && keys.trim() === "" ? apps.keysMissing : null,
    scopes: pieces(scopes).length === 0 ? apps.scopesMissing : null,
  };
}

function wishOf({ name, kind, redirects, launch, keys, scopes }: Written): AppWish {
  return {
    kind,
    name: name.trim(),
    redirectUris: kind === "backend" ? [] : pieces(redirects),
    scopes: pieces(scopes),
    ...(kind === "backend" || launch.trim() === "" ? {} : { launchUri: launch.trim() }),
    ...(kind === "public" ? {} : { jwksUri: keys.trim() }),
  };
}

/** Registers an app; it waits until somebody approves it. */
export function AppForm(props: { readonly sent: () => void; readonly cancel: () => void }) {
  const administration = useAdministration();
  const [written, setWritten] = useState<Written>({
    name: "",
    kind: "public",
    redirects: "",
    launch: "",
    keys: "",
    scopes: "",
  });
  const change = (part: Partial<Written>): void => setWritten({ ...written, ...part });
  const wrong = wrongOf(written);
  const isRight = Object.values(wrong).every((each) => each === null);
  const { isTried, isBusy, failure, submit } = useSending(isRight, {
    send: () => administration.register(wishOf(written)),
    sent: props.sent,
  });
  const shared = { autoComplete: "off", maxLength: addressCharacters } as const;
  return (
    <form
      className="form card"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2>{apps.add}</h2>
      <TextField
        {...shared}
        label={apps.name}
        name="app-name"
        maxLength={200}
        value={written.name}
        onChange={(name) => change({ name })}
        wrong={isTried ? wrong.name : null}
      />
      <ChoiceField
        label={apps.kind}
        choices={kinds}
        value={written.kind}
        onChange={(kind) => change({ kind })}
      />
      {written.kind === "backend" ? null : (
        <>
          <LongTextField
            label={apps.redirects}
            help={apps.redirectsHelp}
            value={written.redirects}
            onChange={(redirects) => change({ redirects })}
            wrong={isTried ? wrong.redirects : null}
          />
          <TextField
            {...shared}
            label={apps.launch}
            name="app-launch"
            type="url"
            value={written.launch}
            onChange={(launch) => change({ launch })}
          />
        </>
      )}
      {written.kind === "public" ? null : (
        <TextField
          {...shared}
          label={apps.keys}
          name="app-keys"
          type="url"
          value={written.keys}
          onChange={(keys) => change({ keys })}
          wrong={isTried ? wrong.keys : null}
        />
      )}
      <LongTextField
        label={apps.scopes}
        help={apps.scopesHelp}
        value={written.scopes}
        onChange={(scopes) => change({ scopes })}
        wrong={isTried ? wrong.scopes : null}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? apps.saving : apps.save}
        </Button>
        <Button look="plain" onPress={props.cancel}>
          {words.cancel}
        </Button>
      </div>
    </form>
  );
}
