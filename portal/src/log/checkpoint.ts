export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** Root hash of the tree, base64. */
  readonly root: string;
  readonly signers: readonly string[];
}

const rootHash = /^[A-Za-z0-9+/]{43}=$/;
const wholeNumber = /^(?:0|[1-9]\d{0,15})$/;

/** Reads a C2SP tlog-checkpoint, a signed note; null when it has another form. Verifies no signature. */
export function readCheckpoint(note: string): Checkpoint | null {
  const [body, signatures] = note.split("\n\n");
  if (body === undefined || signatures === undefined) return null;
  const [origin, size, root] = body.split("\n");
  if (origin === undefined || size === undefined || root === undefined) return null;
  if (origin === "" || !wholeNumber.test(size) || !rootHash.test(root)) return null;
  const signers = signatures.split("\n").flatMap((line) => {
    const [dash, name] = line.split(" ");
    return dash === "—" && name !== undefined ? [name] : [];
  });
  return signers.length === 0 ? null : { origin, size: Number(size), root, signers };
}

/** The notes of several logs in one text, each ended by its signature lines. */
export function splitNotes(text: string): readonly string[] {
  const notes: string[] = [];
  let lines: string[] = [];
  let inSignatures = false;
  for (const line of text.split("\n")) {
    const isSignature = line.startsWith("— ");
    if (inSignatures && !isSignature && line.trim() !== "") {
      notes.push(`${lines.join("\n").trimEnd()}\n`);
      lines = [];
      inSignatures = false;
    }
    if (isSignature) inSignatures = true;
    if (lines.length > 0 || line.trim() !== "") lines.push(line);
  }
  if (lines.length > 0) notes.push(`${lines.join("\n").trimEnd()}\n`);
  return notes;
}
