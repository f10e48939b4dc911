import { conceptName, referenceText } from "./concept.ts";
import { at, firstText, list, number, text } from "./json.ts";

export interface Attachment {
  readonly title: string | null;
  /** Media type in lower case without parameters; null when not told. */
  readonly mediaType: string | null;
  readonly data: AttachmentData;
  readonly bytes: number | null;
}

export type AttachmentData =
  | { readonly kind: "inline"; readonly base64: string }
  /** Path of a Binary on our own server. */
  | { readonly kind: "binary"; readonly path: string }
  | { readonly kind: "elsewhere" };

export interface RecordDocument {
  readonly id: string;
  readonly name: string;
  readonly date: string | null;
  readonly author: string | null;
  readonly attachments: readonly Attachment[];
}

/** From a DocumentReference; null when it has no id, nothing to call it by, or was superseded. */
export function readDocument(resource: unknown): RecordDocument | null {
  const id = text(at(resource, "id"));
  const contents = list(at(resource, "content")).map((content) => at(content, "attachment"));
  const name = firstText(
    conceptName(at(resource, "type")),
    at(resource, "description"),
    at(contents[0], "title"),
  );
  if (id === null || name === null || at(resource, "status") === "superseded") return null;
  return {
    id,
    name,
    date: firstText(at(resource, "date"), at(resource, "context", "period", "start")),
    author: referenceText(at(resource, "author", 0)),
    attachments: contents.map(readAttachment),
  };
}

function readAttachment(attachment: unknown): Attachment {
  const mediaType = text(at(attachment, "contentType"))?.split(";")[0]?.trim().toLowerCase();
  return {
    title: text(at(attachment, "title")),
    mediaType: mediaType ?? null,
    data: readData(attachment),
    bytes: number(at(attachment, "size")),
  };
}

const binaryReference = /^Binary\/[A-Za-z0-9.-]{1,64}$/;

function readData(attachment: unknown): AttachmentData {
  const base64 = text(at(attachment, "data"));
  if (base64 !== null) return { kind: "inline", base64 };
  const url = text(at(attachment, "url"));
  if (url === null || !binaryReference.test(url)) return { kind: "elsewhere" };
  return { kind: "binary", path: `/fhir/${url}` };
}

/** What the portal does with a document: only plain text is shown, as text and never as markup. */
export type Handling = "show" | "save" | "none";

const savedTypes: ReadonlyMap<string, string> = new Map([
  ["application/pdf", "pdf"],
  ["image/jpeg", "jpg"],
  ["image/png", "png"],
  ["text/csv", "csv"],
  ["application/rtf", "rtf"],
]);

export function handlingOf({ mediaType, data }: Attachment): Handling {
  if (data.kind === "elsewhere" || mediaType === null) return "none";
  if (mediaType === "text/plain" || mediaType === "text/markdown") return "show";
  return savedTypes.has(mediaType) ? "save" : "none";
}

/** A file name that holds nothing of the person: "document.pdf". */
export function fileNameOf(mediaType: string): string {
  return `document.${savedTypes.get(mediaType) ?? "bin"}`;
}

/** Largest attachment that is decoded in the page, in characters of base64. */
const attachmentCharacters = 16 * 1024 * 1024;

/** Null when it is not base64 or too large. */
export function decodeBase64(base64: string): Uint8Array<ArrayBuffer> | null {
  const compact = base64.replace(/\s+/g, "");
  if (compact.length > attachmentCharacters) return null;
  try {
    return Uint8Array.from(atob(compact), (char) => char.codePointAt(0) ?? 0);
  } catch {
    return null;
  }
}

/** Null when the bytes are not UTF-8. */
export function decodeText(base64: string): string | null {
  const bytes = decodeBase64(base64);
  if (bytes === null) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
