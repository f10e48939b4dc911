import type { ConsentPatient } from "../../consent/read.ts";
import { ChoiceField, TextField } from "../../design/fields.tsx";
import { words } from "../../words/en.ts";

const { consent } = words;
/** R4 §2.24.0.1: longest id of a resource. */
const idCharacters = 64;

/** Whose record the app shall see. */
export function Whose(props: {
  readonly patient: ConsentPatient;
  /** FHIR id of the patient; empty while none is picked. */
  readonly value: string;
  readonly onChange: (id: string) => void;
  readonly wrong: string | null;
}) {
  const { patient, value, onChange, wrong } = props;
  if (patient.kind === "none") return null;
  if (patient.kind === "launched") return <p>{consent.launched}</p>;
  if (patient.kind === "name")
    return (
      <TextField
        label={consent.patientId}
        help={consent.patientIdHelp}
        name="patient"
        autoComplete="off"
        maxLength={idCharacters}
        value={value}
        onChange={onChange}
        wrong={wrong}
      />
    );
  return (
    <>
      <ChoiceField
        label={consent.whose}
        choices={patient.patients.map(({ id, name }) => ({
          value: id,
          name: name ?? consent.otherPerson(id),
        }))}
        value={value}
        onChange={onChange}
      />
      {wrong === null ? null : <p className="field-wrong">{wrong}</p>}
    </>
  );
}
