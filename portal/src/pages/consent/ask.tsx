import { useState } from "react";
import type { ConsentApi, ConsentGiven } from "../../api/consent.ts";
import { useApp } from "../../app/context.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { useArrival } from "../../app/page.tsx";
import type { ConsentOffer } from "../../consent/read.ts";
import { ChoicesField } from "../../design/fields.tsx";
import { Button, Notice } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";
import { Whose } from "./whose.tsx";

const { consent } = words;

/** What the app asks for, what of it the person gives, and for whose record. */
export function Ask({ offer, api }: { readonly offer: ConsentOffer; readonly api: ConsentApi }) {
  const free = offer.scopes.filter(({ isNeeded }) => !isNeeded);
  const [chosen, setChosen] = useState<readonly string[]>(free.map(({ scope }) => scope));
  const [patient, setPatient] = useState(firstPatient(offer));
  const [isTried, setIsTried] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const needed = offer.scopes.filter(({ isNeeded }) => isNeeded);
  const isNothing = chosen.length === 0 && free.length > 0;
  const needsPatient = offer.patient.kind === "pick" || offer.patient.kind === "name";
  const isPatientMissing = needsPatient && patient.trim() === "";
  const send = (given: ConsentGiven): void =>
    run(
      () => api.answer(given),
      (to) => location.assign(to),
    );
  const allow = (): void => {
    setIsTried(true);
    if (isNothing || isPatientMissing) return;
    const scopes = [...needed.map(({ scope }) => scope), ...chosen];
    send({ allow: true, scopes, patient: needsPatient ? patient.trim() : null });
  };
  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        allow();
      }}
    >
      <Who offer={offer} />
      <Whose
        patient={offer.patient}
        value={patient}
        onChange={setPatient}
        wrong={isTried && isPatientMissing ? consent.patientMissing : null}
      />
      {free.length === 0 ? null : (
        <ChoicesField
          label={consent.what}
          choices={free.map(({ scope, words: name }) => ({ value: scope, name }))}
          value={chosen}
          onChange={setChosen}
          wrong={isTried && isNothing ? consent.nothing : null}
        />
      )}
      {needed.length === 0 ? null : (
        <ul className="plain-list">
          {needed.map(({ scope, words: name }) => (
            <li key={scope}>
              {name} <span className="choice-about">({consent.needed})</span>
            </li>
          ))}
        </ul>
      )}
      <div>
        <h2 className="field-label">{consent.howLong}</h2>
        <p>{offer.days === null ? consent.whileHere : consent.days(offer.days)}</p>
        <p className="field-help">{consent.stop}</p>
      </div>
      {failure === null ? null : <Failed failure={failure} />}
      <div className="stack">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? consent.allowing : consent.allow}
        </Button>
        <Button look="quiet" isDisabled={isBusy} onPress={() => send({ allow: false })}>
          {consent.deny}
        </Button>
      </div>
    </form>
  );
}

/** With one record to pick from there is nothing to pick. */
function firstPatient({ patient }: ConsentOffer): string {
  return patient.kind === "pick" && patient.patients.length === 1
    ? (patient.patients[0]?.id ?? "")
    : "";
}

function Who({ offer }: { readonly offer: ConsentOffer }) {
  const { dates } = useApp();
  const heading = useArrival<HTMLHeadingElement>(consent.title);
  const { app, home, approvedAt, keepsKey, patient } = offer;
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {patient.kind === "none" ? consent.headingPlain(app) : consent.heading(app)}
      </h1>
      <div className="stack">
        <p>{consent.from(home)}</p>
        {approvedAt === null ? null : <p>{consent.approved(dates.day(approvedAt))}</p>}
        <p className="field-help">{consent.approvedNote}</p>
      </div>
      {keepsKey ? null : <Notice tone="high" title={consent.weak} />}
    </>
  );
}
