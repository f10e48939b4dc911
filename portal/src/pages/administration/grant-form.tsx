import { useState } from "react";
import type { GrantWish } from "../../api/administration.ts";
import { useAdministration } from "../../app/administration.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { ChoiceField, TextField } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { person: told } = words.administration;

const bases = (["parent", "caregiver", "representative"] as const).map((value) => ({
  value,
  name: told.grantBases[value],
}));

/** What the ground needs beside its name: a child's birth date, or the paper that was seen. */
function proofOf(basis: GrantWish["basis"], proof: string): Partial<GrantWish> {
  if (basis === "parent") return { birthDate: proof };
  return basis === "representative" ? { evidence: proof } : {};
}

/** Lets the person act for a patient, on a ground that is named. */
export function GrantForm({ id, changed }: { readonly id: string; readonly changed: () => void }) {
  const administration = useAdministration();
  const [patient, setPatient] = useState("");
  const [basis, setBasis] = useState<GrantWish["basis"]>("parent");
  const [proof, setProof] = useState("");
  const patientWrong = patient.trim() === "" ? told.grantPatientMissing : null;
  const missing = basis === "parent" ? told.grantChildMissing : told.evidenceMissing;
  const proofWrong = basis !== "caregiver" && proof.trim() === "" ? missing : null;
  const { isTried, isBusy, failure, submit } = useSending(
    patientWrong === null && proofWrong === null,
    {
      send: () =>
        administration.grant(id, {
          patient: patient.trim(),
          basis,
          ...proofOf(basis, proof.trim()),
        }),
      sent: changed,
    },
  );
  return (
    <form
      className="form card"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2>{told.grantTitle}</h2>
      <TextField
        label={told.grantPatient}
        name="grant-patient"
        autoComplete="off"
        maxLength={64}
        value={patient}
        onChange={setPatient}
        wrong={isTried ? patientWrong : null}
      />
      <ChoiceField
        label={told.grantBasis}
        choices={bases}
        value={basis}
        onChange={(chosen) => {
          setBasis(chosen);
          setProof("");
        }}
      />
      {basis === "caregiver" ? null : (
        <TextField
          key={basis}
          label={basis === "parent" ? told.grantChild : told.grantPaper}
          {...(basis === "parent" ? { help: told.grantChildHelp } : {})}
          name="grant-proof"
          type={basis === "parent" ? "date" : "text"}
          autoComplete="off"
          maxLength={400}
          value={proof}
          onChange={setProof}
          wrong={isTried ? proofWrong : null}
        />
      )}
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button type="submit" look="quiet" isBusy={isBusy}>
          {told.grantMake}
        </Button>
      </div>
    </form>
  );
}
