import { useState } from "react";
import { Link } from "react-router";
import type { AccessRequestLine, AccessRequestWords } from "../../../src/core/wire.ts";
import { daysLeft } from "../access/days.ts";
import type { Failure } from "../api/failure.ts";
import { useAccess } from "../app/access.ts";
import { useApp, useSignedIn } from "../app/context.ts";
import { Failed } from "../app/failed.tsx";
import { useLoad } from "../app/load.ts";
import { Page } from "../app/page.tsx";
import { ChoiceField, LongTextField } from "../design/fields.tsx";
import { Badge, Button, Empty, Notice, Waiting } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { NoRecord } from "./record/no-record.tsx";

const { requests } = words;

/** Asking the clinic for more than the download gives, and how that stands. */
export function Component() {
  const { patient } = useSignedIn();
  return patient === null ? <NoRecord /> : <Requests key={patient} patient={patient} />;
}

function Requests({ patient }: { readonly patient: string }) {
  const access = useAccess();
  const { loaded, again } = useLoad(patient, (signal) => access.requests(patient, signal));
  return (
    <Page
      title={requests.title}
      lead={requests.lead}
      aside={
        <Link className="button button-quiet" to="/download">
          {requests.download}
        </Link>
      }
    >
      <section className="card">
        <h2>{requests.newTitle}</h2>
        <Ask patient={patient} sent={again} />
      </section>
      <section className="stack">
        <h2>{requests.yours}</h2>
        {loaded.state === "loading" ? <Waiting words={words.loading(requests.loading)} /> : null}
        {loaded.state === "failed" ? <Failed failure={loaded.failure} again={again} /> : null}
        {loaded.state === "ready" && loaded.value.length === 0 ? (
          <Empty icon="documents">{requests.none}</Empty>
        ) : null}
        {loaded.state === "ready" && loaded.value.length > 0 ? (
          <ul className="items">
            {loaded.value.map((line) => (
              <li className="item" key={line.id}>
                <OneRequest line={line} changed={again} />
              </li>
            ))}
          </ul>
        ) : null}
      </section>
    </Page>
  );
}

type Form = keyof typeof requests.forms;
const forms: readonly Form[] = ["paper", "pdf", "web-page", "fhir", "portal", "other"];

function Ask({ patient, sent }: { readonly patient: string; readonly sent: () => void }) {
  const access = useAccess();
  const [wants, setWants] = useState("");
  const [form, setForm] = useState<Form>("paper");
  const [sendTo, setSendTo] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [isSent, setIsSent] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);

  const submit = async (): Promise<void> => {
    const isEmpty = wants.trim() === "";
    setWrong(isEmpty ? requests.wantsMissing : null);
    if (isEmpty || isBusy) return;
    setIsBusy(true);
    setIsSent(false);
    const target = sendTo.trim() === "" ? null : sendTo.trim();
    const outcome = await access.ask({ patient, wants: wants.trim(), form, sendTo: target });
    setIsBusy(false);
    setFailure(outcome.ok ? null : outcome.failure);
    if (!outcome.ok) return;
    setIsSent(true);
    setWants("");
    setSendTo("");
    sent();
  };

  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <LongTextField
        label={requests.wants}
        help={requests.wantsHelp}
        value={wants}
        onChange={setWants}
        wrong={wrong}
      />
      <ChoiceField
        label={requests.form}
        choices={forms.map((value) => ({ value, name: requests.forms[value] }))}
        value={form}
        onChange={setForm}
      />
      <LongTextField
        label={requests.sendTo}
        help={requests.sendToHelp}
        value={sendTo}
        onChange={setSendTo}
      />
      {failure === null ? null : <Failed failure={failure} />}
      {isSent ? <Notice tone="ok" title={requests.sent} /> : null}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? requests.sending : requests.send}
        </Button>
      </div>
    </form>
  );
}

function OneRequest(props: { readonly line: AccessRequestLine; readonly changed: () => void }) {
  const { line, changed } = props;
  const { dates } = useApp();
  const { request } = line;
  if (request === null) return <p>{requests.gone}</p>;
  return (
    <>
      <div className="item-top">
        <p className="item-name written">{request.wants}</p>
        <Standing line={line} request={request} />
      </div>
      <ul className="facts item-when">
        <li>{requests.asked(dates.day(line.askedOn))}</li>
        <li>{requests.forms[formOf(request.form)]}</li>
        {line.isOpen ? <li>{requests.due(dates.day(line.dueOn))}</li> : null}
      </ul>
      <Answer request={request} />
      {line.isOpen ? <Withdraw line={line} wants={request.wants} changed={changed} /> : null}
    </>
  );
}

const formOf = (text: string): Form => forms.find((known) => known === text) ?? "other";

interface Standing {
  readonly line: AccessRequestLine;
  readonly request: AccessRequestWords;
}

function useIsLate(line: AccessRequestLine): boolean {
  const { dates } = useApp();
  return line.isOpen && daysLeft(line.dueOn, dates.today()) < 0;
}

function Standing({ line, request: { now } }: Standing) {
  const { states } = requests;
  const isLate = useIsLate(line);
  if (now.state === "fulfilled") return <Badge tone="ok">{states.fulfilled}</Badge>;
  if (now.state === "withdrawn") return <Badge tone="plain">{states.withdrawn}</Badge>;
  if (now.state === "denied")
    return <Badge tone="high">{now.inPart ? states.partly : states.denied}</Badge>;
  return isLate ? (
    <Badge tone="danger">{states.late}</Badge>
  ) : (
    <Badge tone="low">{states.open}</Badge>
  );
}

function Answer({ request: { now, extension } }: { readonly request: AccessRequestWords }) {
  const { dates } = useApp();
  return (
    <div className="answer">
      {extension === null ? null : (
        <p className="written">
          {requests.extended(dates.day(extension.until))} {requests.reason} {extension.reason}
        </p>
      )}
      {now.state === "fulfilled" ? (
        <p className="written">
          {requests.how} {now.how}
        </p>
      ) : null}
      {now.state === "denied" ? (
        <>
          <p className="written">
            {requests.reason} {now.reason}
          </p>
          <ul className="plain-list">
            {now.grounds.map(({ ground, cite }) => (
              <li key={ground}>
                {groundName(ground)} <span className="item-when">({cite})</span>
              </li>
            ))}
          </ul>
          {now.grounds.some(({ reviewable }) => reviewable) ? <p>{requests.review}</p> : null}
          <p>{requests.complain}</p>
        </>
      ) : null}
    </div>
  );
}

const groundNames: ReadonlyMap<string, string> = new Map(
  Object.entries(words.register.groundNames),
);
const groundName = (ground: string): string => groundNames.get(ground) ?? ground;

function Withdraw(props: {
  readonly line: AccessRequestLine;
  readonly wants: string;
  readonly changed: () => void;
}) {
  const { line, wants, changed } = props;
  const access = useAccess();
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const isLate = useIsLate(line);
  const withdraw = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await access.act(line.id, { version: line.version, act: "withdraw" });
    setIsBusy(false);
    setFailure(outcome.ok ? null : outcome.failure);
    if (outcome.ok) changed();
  };
  return (
    <>
      {isLate ? <p>{requests.lateText}</p> : null}
      {failure === null ? null : <Failed failure={failure} again={changed} />}
      <div className="actions">
        <Button
          look="plain"
          isBusy={isBusy}
          aria-label={requests.withdrawThis(wants)}
          onPress={() => void withdraw()}
        >
          {requests.withdraw}
        </Button>
      </div>
    </>
  );
}
