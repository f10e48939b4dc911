import { useState } from "react";
import type { Person, StaffRecovery } from "../../administration/read.ts";
import { useAdministration } from "../../app/administration.ts";
import { useApp } from "../../app/context.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { ChoiceField, TextField } from "../../design/fields.tsx";
import { Button, Notice } from "../../design/parts.tsx";
import { Qr } from "../../design/qr.tsx";
import { words } from "../../words/en.ts";

const { person: told } = words.administration;

type Level = keyof typeof told.levels;
const levels = (["IAL1", "IAL2", "IAL3"] as const).map((value) => ({
  value,
  name: told.levels[value],
}));
const evidenceCharacters = 500;

/** How the person's identity was proven; and, upon such a proof, the way back for one who lost all. */
export function Proofing(props: { readonly person: Person; readonly changed: () => void }) {
  const { person, changed } = props;
  const administration = useAdministration();
  const { origin, dates } = useApp();
  const [level, setLevel] = useState<Level>("IAL2");
  const [evidence, setEvidence] = useState("");
  const [isTried, setIsTried] = useState(false);
  const [begun, setBegun] = useState<StaffRecovery | null>(null);
  const { isBusy, failure, run } = useDeed();
  const seen = evidence.trim();
  const tried = (work: () => void) => (): void => {
    setIsTried(true);
    if (seen !== "") work();
  };
  const save = tried(() =>
    run(() => administration.change(person.id, { assurance: level, evidence: seen }), changed),
  );
  const recover = tried(() =>
    run(() => administration.recover(person.id, { level, evidence: seen }), setBegun),
  );
  if (begun !== null)
    return (
      <section className="card">
        <h2>{told.recoverStarted}</h2>
        <Notice tone="high" title={told.recoverKeep(dates.moment(begun.readyAt))} />
        <Qr text={`${origin}${begun.path}`} label={told.recoverQr} />
        <div className="actions no-print">
          <Button icon="print" onPress={() => print()}>
            {words.invitation.print}
          </Button>
        </div>
      </section>
    );
  return (
    <section className="card">
      <h2>{told.proofTitle}</h2>
      <p>{told.proofText}</p>
      <ChoiceField label={told.level} choices={levels} value={level} onChange={setLevel} />
      <TextField
        label={told.evidence}
        help={told.evidenceHelp}
        name="evidence"
        autoComplete="off"
        maxLength={evidenceCharacters}
        value={evidence}
        onChange={setEvidence}
        wrong={isTried && seen === "" ? told.evidenceMissing : null}
      />
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button look="quiet" isBusy={isBusy} onPress={save}>
          {told.proofSave}
        </Button>
      </div>
      {person.isEnvelope || person.status !== "active" ? null : (
        <>
          <h3>{told.recoverTitle}</h3>
          <p>{told.recoverText}</p>
          <div className="actions">
            <Button look="quiet" isBusy={isBusy} onPress={recover}>
              {told.recoverStart}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}
