import { useState } from "react";
import { Link } from "react-router";
import type { CopyMade } from "../../../src/core/wire.ts";
import type { Failure } from "../api/failure.ts";
import { useAccess } from "../app/access.ts";
import { useSignedIn } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { Page } from "../app/page.tsx";
import { saveFile } from "../app/save-file.ts";
import { Icon, type IconName } from "../design/icon.tsx";
import { Button, Notice } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { NoRecord } from "./record/no-record.tsx";

const { copies } = words;

type Form = CopyMade["form"];
const forms: readonly { readonly form: Form; readonly icon: IconName }[] = [
  { form: "pdf", icon: "print" },
  { form: "web-page", icon: "documents" },
  { form: "fhir", icon: "record" },
  { form: "ndjson", icon: "summary" },
];

/** Taking a copy of the record away. */
export function Component() {
  const { patient } = useSignedIn();
  // A copy that is under way belongs to one record: another one begins anew.
  return patient === null ? <NoRecord /> : <Copies key={patient} patient={patient} />;
}

type Work =
  | { readonly state: "idle" }
  | { readonly state: "making"; readonly form: Form }
  | { readonly state: "coming"; readonly form: Form; readonly percent: number }
  | { readonly state: "done"; readonly form: Form; readonly file: string }
  | { readonly state: "failed"; readonly form: Form; readonly failure: Failure };

function Copies({ patient }: { readonly patient: string }) {
  const access = useAccess();
  const [work, setWork] = useState<Work>({ state: "idle" });
  const isBusy = work.state === "making" || work.state === "coming";

  const take = async (form: Form): Promise<void> => {
    if (isBusy) return;
    setWork({ state: "making", form });
    const copy = await access.makeCopy(patient, form);
    if (!copy.ok) return setWork({ state: "failed", form, failure: copy.failure });
    const told = (bytes: number): void => {
      const percent = Math.floor((100 * bytes) / Math.max(1, copy.value.bytes));
      setWork({ state: "coming", form, percent });
    };
    const file = await access.fetchCopy(copy.value, told);
    if (!file.ok) return setWork({ state: "failed", form, failure: file.failure });
    saveFile(file.value, copy.value.fileName);
    setWork({ state: "done", form, file: copy.value.fileName });
  };

  return (
    <Page title={copies.title} lead={copies.lead}>
      <ul className="items">
        {forms.map(({ form, icon }) => (
          <li className="item copy" key={form}>
            <div className="copy-words">
              <Icon name={icon} size={24} />
              <div>
                <h2 className="item-name">{copies.forms[form].name}</h2>
                <p className="item-when">{copies.forms[form].about}</p>
              </div>
            </div>
            <Button
              look="quiet"
              icon="down"
              isBusy={isBusy && work.form === form}
              aria-label={copies.getThis(copies.forms[form].name)}
              onPress={() => void take(form)}
            >
              {copies.get}
            </Button>
            <Progress work={work} form={form} again={() => void take(form)} />
          </li>
        ))}
      </ul>
      <Notice tone="info" title={copies.careTitle}>
        <p>{copies.care}</p>
        <p>{copies.notIn}</p>
      </Notice>
      <section className="card">
        <h2>{copies.moreTitle}</h2>
        <p>{copies.more}</p>
        <div className="actions">
          <Link className="button button-quiet" to="/requests">
            {copies.moreLink}
          </Link>
        </div>
      </section>
    </Page>
  );
}

function Progress(props: { readonly work: Work; readonly form: Form; readonly again: () => void }) {
  const { work, form, again } = props;
  if (work.state === "idle" || work.form !== form) return null;
  if (work.state === "making") return <p role="status">{copies.making}</p>;
  if (work.state === "failed") return <Failed failure={work.failure} again={again} />;
  if (work.state === "done")
    return (
      <Notice tone="ok" title={copies.done}>
        <p>{copies.doneText(work.file)}</p>
      </Notice>
    );
  return (
    <progress value={work.percent} max={100} aria-label={copies.coming(work.percent)}>
      {work.percent}
    </progress>
  );
}
