import { hashBytes } from "#audit/merkle.ts";
import { parseNote, type Note } from "#audit/note.ts";

/** What a checkpoint says: the log of this origin has so many leaves, and this root over them. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** C2SP tlog-checkpoint: origin, size and root, a line each. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** Reads a checkpoint's text; extension lines are passed over. Null when it has not the form. */
export function parseCheckpointText(text: string): Checkpoint | null {
  const [origin = "", digits = "", encoded = ""] = text.split("\n");
  const size = Number(digits);
  const root = Buffer.from(encoded, "base64");
  const whole =
    origin !== "" &&
    /^(?:0|[1-9]\d*)$/.test(digits) &&
    Number.isSafeInteger(size) &&
    root.length === hashBytes &&
    root.toString("base64") === encoded;
  return whole && text.endsWith("\n") ? { origin, size, root } : null;
}

/** A stored or received checkpoint with its signatures, which are not checked here; null when it has not the form. */
export function parseCheckpoint(note: string): (Checkpoint & { readonly note: Note }) | null {
  const parsed = parseNote(note);
  const checkpoint = parsed === null ? null : parseCheckpointText(parsed.text);
  return parsed === null || checkpoint === null ? null : { ...checkpoint, note: parsed };
}
