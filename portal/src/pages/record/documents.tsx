import { useState } from "react";
import { done, fail, problemFailure, type Outcome } from "../../api/failure.ts";
import { useApp } from "../../app/context.ts";
import { Failed } from "../../app/failed.tsx";
import { useLoad } from "../../app/load.ts";
import { useRecords } from "../../app/records.ts";
import { saveFile } from "../../app/save-file.ts";
import { Button, Notice, Waiting } from "../../design/parts.tsx";
import { newestFirst } from "../../dates/order.ts";
import {
  decodeBase64,
  decodeText,
  fileNameOf,
  handlingOf,
  readDocument,
  type Attachment,
} from "../../fhir/document.ts";
import { at, text } from "../../fhir/json.ts";
import { words } from "../../words/en.ts";
import { Items, Listing } from "./listing.tsx";
import { useSection } from "./lists.tsx";

const { documents } = words.record;

export function Documents() {
  const list = useSection("DocumentReference", readDocument);
  const { dates } = useApp();
  return (
    <Listing
      list={list}
      name={words.sections.documents.name}
      icon="documents"
      empty={documents.empty}
    >
      {(items) => (
        <Items items={newestFirst(items, ({ date }) => date)}>
          {({ name, date, author, attachments }) => (
            <>
              <p className="item-name">{name}</p>
              <ul className="facts item-when">
                <li>{date === null ? words.notRecorded : dates.day(date)}</li>
                {author === null ? null : <li>{documents.by(author)}</li>}
              </ul>
              {attachments.map((attachment, place) => (
                // Attachments have no id of their own and never change places.
                <OneAttachment key={place} attachment={attachment} of={name} />
              ))}
            </>
          )}
        </Items>
      )}
    </Listing>
  );
}

interface AttachmentProps {
  readonly attachment: Attachment;
  /** What the document is called, for those who hear a list of equal buttons. */
  readonly of: string;
}

function OneAttachment({ attachment, of }: AttachmentProps) {
  const handling = handlingOf(attachment);
  if (handling === "show") return <Readable attachment={attachment} of={of} />;
  if (handling === "save") return <Savable attachment={attachment} of={of} />;
  return <p className="item-when">{documents.cannot}</p>;
}

function Readable({ attachment, of }: AttachmentProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div className="document">
      <Button
        look="quiet"
        icon={isOpen ? "close" : "documents"}
        aria-expanded={isOpen}
        aria-label={`${isOpen ? documents.close : documents.read}: ${of}`}
        onPress={() => setIsOpen(!isOpen)}
      >
        {isOpen ? documents.close : documents.read}
      </Button>
      {isOpen ? <Opened attachment={attachment} /> : null}
    </div>
  );
}

function Opened({ attachment }: { readonly attachment: Attachment }) {
  const content = useContent();
  const { data } = attachment;
  const key = data.kind === "binary" ? data.path : "inline";
  const { loaded, again } = useLoad(key, (signal) => content(attachment, signal));
  if (loaded.state === "loading") return <Waiting words={words.loading(documents.loading)} />;
  if (loaded.state === "failed") return <Failed failure={loaded.failure} again={again} />;
  const written = decodeText(loaded.value);
  if (written === null) return <Notice tone="danger" title={documents.broken} />;
  return (
    <div
      className="paper"
      tabIndex={0}
      role="region"
      aria-label={attachment.title ?? documents.read}
    >
      {written}
    </div>
  );
}

function Savable({ attachment, of }: AttachmentProps) {
  const content = useContent();
  const [isBusy, setIsBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const mediaType = attachment.mediaType ?? "application/octet-stream";
  const save = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await content(attachment);
    const bytes = outcome.ok ? decodeBase64(outcome.value) : null;
    setIsBusy(false);
    setWrong(bytes === null ? documents.broken : null);
    if (bytes !== null) saveFile(new Blob([bytes], { type: mediaType }), fileNameOf(mediaType));
  };
  return (
    <div className="document">
      <Button
        look="quiet"
        icon="down"
        isBusy={isBusy}
        aria-label={`${documents.save}: ${of}`}
        onPress={() => void save()}
      >
        {documents.save}
      </Button>
      <p className="item-when">{documents.saveHelp}</p>
      {wrong === null ? null : <Notice tone="danger" title={wrong} isUrgent />}
    </div>
  );
}

/** Gives the content of an attachment in base64, from where it is kept. */
function useContent() {
  const records = useRecords();
  return async ({ data }: Attachment, signal?: AbortSignal): Promise<Outcome<string>> => {
    if (data.kind === "inline") return done(data.base64);
    if (data.kind === "elsewhere") return fail(problemFailure("not-found"));
    const answer = await records.resource(data.path, signal);
    if (!answer.ok) return answer;
    const base64 = text(at(answer.value, "data"));
    return base64 === null ? fail(problemFailure("record-damaged")) : done(base64);
  };
}
