import { useId } from "react";
import { done } from "../../api/failure.ts";
import { useSignedIn } from "../../app/context.ts";
import { useLoad } from "../../app/load.ts";
import { useRecords } from "../../app/records.ts";
import { readPatient, type Person } from "../../fhir/patient.ts";
import { words } from "../../words/en.ts";

/** Lets someone who acts for others choose whose record is open; nothing for all others. */
export function WhoseRecord() {
  const { me } = useSignedIn();
  return me.patients.length < 2 ? null : <Choice ids={me.patients} />;
}

function Choice({ ids }: { readonly ids: readonly string[] }) {
  const { patient, choosePatient } = useSignedIn();
  const records = useRecords();
  const field = useId();
  const { loaded } = useLoad(ids.join(" "), async (signal) => {
    const answers = await Promise.all(
      ids.map((id) => records.resource(`/fhir/Patient/${id}`, signal)),
    );
    const people = answers.flatMap((answer) =>
      answer.ok ? (readPatient(answer.value) ?? []) : [],
    );
    return done<readonly Person[]>(people);
  });
  if (loaded.state !== "ready" || loaded.value.length < 2) return null;
  return (
    <div className="whose">
      <label className="field-label" htmlFor={field}>
        {words.nav.recordOf}
      </label>
      <select
        id={field}
        className="field-input"
        value={patient ?? ""}
        onChange={(event) => choosePatient(event.target.value)}
      >
        {loaded.value.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
