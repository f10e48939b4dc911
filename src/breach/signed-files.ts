import { hash } from "node:crypto";
import {
  isSigned,
  parseNote,
  type CheckpointSigner,
  type CheckpointVerifier,
} from "#audit/note.ts";

/** The first line of the note, by which it can be taken for no checkpoint and for no other paper. */
const heading = "phylax signed files v1";

/** Files by name; a name has neither spaces nor slashes. */
export type Files = ReadonlyMap<string, Buffer>;

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const lineForm = /^([A-Za-z0-9][A-Za-z0-9._-]{0,199}) sha256 ([0-9a-f]{64})$/;

const digestOf = (content: Buffer): string => hash("sha256", content, "hex");

/** A note (C2SP signed-note) that vouches for these files. Throws when a name has not the form. */
export function signFiles(files: Files, signer: CheckpointSigner): string {
  const odd = [...files.keys()].find((name) => !nameForm.test(name));
  if (odd !== undefined)
    throw new TypeError("a signed file's name has a character it may not have");
  const lines = [...files].map(([name, content]) => `${name} sha256 ${digestOf(content)}`);
  return signer.sign([heading, signer.name, ...lines, ""].join("\n"));
}

export type FilesVerdict =
  | { readonly kind: "good"; readonly names: readonly string[] }
  /** The note is no such note, or no key that is known signed it. */
  | { readonly kind: "unsigned" }
  /** The signature is right, but these files are not there, or are not those that were signed. */
  | { readonly kind: "changed"; readonly names: readonly string[] };

/** Checks a note of signFiles and the files beside it; `read` gives null for a file that is not there. */
export async function verifyFiles(
  text: string,
  read: (name: string) => Buffer | null,
  verifiers: readonly CheckpointVerifier[],
): Promise<FilesVerdict> {
  const note = parseNote(text);
  if (note === null || !(await isSigned(note, verifiers))) return { kind: "unsigned" };
  const [head, origin, ...lines] = note.text.slice(0, -1).split("\n");
  const known = verifiers.some(({ name }) => name === origin);
  const files = lines.map((line) => lineForm.exec(line));
  if (head !== heading || !known || files.length === 0) return { kind: "unsigned" };
  const named = files.map((found) => ({ name: found?.[1] ?? "", digest: found?.[2] ?? "" }));
  if (named.some(({ name }) => name === "")) return { kind: "unsigned" };
  const isWhole = ({ name, digest }: (typeof named)[number]): boolean => {
    const content = read(name);
    return content !== null && digestOf(content) === digest;
  };
  const changed = named.filter((file) => !isWhole(file)).map(({ name }) => name);
  if (changed.length > 0) return { kind: "changed", names: changed };
  return { kind: "good", names: named.map(({ name }) => name) };
}
