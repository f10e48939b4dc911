import type { ReactNode } from "react";
import { useApp } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { useLoad } from "../app/load.ts";
import { Page } from "../app/page.tsx";
import { useRecords } from "../app/records.ts";
import { saveFile } from "../app/save-file.ts";
import { Button, Notice, Waiting } from "../design/parts.tsx";
import { readCheckpoint, splitNotes } from "../log/checkpoint.ts";
import { words } from "../words/en.ts";

const { guard } = words;

/** For those who guard the log: its seal, how to check it, and what is yet to come. */
export function GuardHome() {
  const records = useRecords();
  const { loaded, again } = useLoad("checkpoint", (signal) => records.checkpoint(signal));
  return (
    <Page title={guard.title} heading={guard.nowTitle} lead={guard.lead}>
      <section className="card">
        <h2>{guard.checkpointTitle}</h2>
        <p>{guard.checkpointLead}</p>
        {loaded.state === "loading" ? (
          <Waiting words={words.loading(guard.checkpointLoading)} />
        ) : null}
        {loaded.state === "failed" ? <Failed failure={loaded.failure} again={again} /> : null}
        {loaded.state === "ready"
          ? splitNotes(loaded.value).map((note) => <Seal key={note} note={note} />)
          : null}
      </section>
      <section className="card">
        <h2>{guard.verifyTitle}</h2>
        <ol className="steps">
          {guard.verifySteps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <pre className="command" tabIndex={0}>
          <code>{guard.verifyCommand}</code>
        </pre>
      </section>
      <section className="card">
        <h2>{guard.notYetTitle}</h2>
        <ul className="plain-list">
          {guard.notYet.map((item) => (
            <li key={item}>{item}</li>
          ))}
        </ul>
      </section>
    </Page>
  );
}

function Seal({ note }: { readonly note: string }) {
  const { dates } = useApp();
  const checkpoint = readCheckpoint(note);
  const save = (): void => saveFile(new Blob([note], { type: "text/plain" }), "checkpoint.txt");
  return (
    <div className="seal">
      {checkpoint === null ? (
        <Notice tone="high" title={guard.unreadable} />
      ) : (
        <dl className="terms">
          <Term name={guard.size}>
            <span className="seal-size">{dates.number(checkpoint.size)}</span>
          </Term>
          <Term name={guard.origin}>{checkpoint.origin}</Term>
          <Term name={guard.root}>
            <code>{checkpoint.root}</code>
          </Term>
          <Term name={guard.signers}>{words.joinList(checkpoint.signers)}</Term>
        </dl>
      )}
      <details>
        <summary>{guard.note}</summary>
        <pre className="command" tabIndex={0}>
          {note}
        </pre>
      </details>
      <div className="actions">
        <Button look="quiet" icon="down" onPress={save}>
          {guard.save}
        </Button>
      </div>
      <p className="item-when">{guard.saveHelp}</p>
    </div>
  );
}

function Term({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="term">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
