import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** Lines that do not fit into memory, kept on disk in parts that do, until they are read part by part. */
export interface Spill {
  readonly parts: number;
  /** Adds a line, which holds no line break, to a part. */
  add(part: number, line: string): void;
  /** Writes out what has gathered, once it is worth it; call it after every few thousand lines. */
  settle(): Promise<void>;
  /** All lines of a part, in the order in which they were added. Nothing is added afterwards. */
  read(part: number): Promise<readonly string[]>;
  /** Removes everything from disk. */
  remove(): Promise<void>;
}

/** Files that are open at once. */
export const maxSpillParts = 512;
const gatheredChars = 4 * 1024 * 1024;

/** A spill in a folder of its own, of mode 0700, made inside `folder`. */
export async function openSpill(folder: string, parts: number): Promise<Spill> {
  const own = await mkdtemp(join(folder, "phylax-spill-"));
  const waiting = new Map<number, string[]>();
  const files = new Map<number, FileHandle>();
  let gathered = 0;

  async function fileOf(part: number): Promise<FileHandle> {
    const known = files.get(part);
    if (known !== undefined) return known;
    const file = await open(join(own, String(part)), "a+", 0o600);
    files.set(part, file);
    return file;
  }

  async function writeOut(): Promise<void> {
    for (const [part, lines] of waiting) {
      const file = await fileOf(part);
      await file.appendFile(`${lines.join("\n")}\n`);
    }
    waiting.clear();
    gathered = 0;
  }

  return {
    parts,
    add: (part, line) => {
      const lines = waiting.get(part);
      if (lines === undefined) waiting.set(part, [line]);
      else lines.push(line);
      gathered += line.length;
    },
    settle: async () => {
      if (gathered >= gatheredChars) await writeOut();
    },
    read: async (part) => {
      // What was never written out needs no disk at all.
      if (!files.has(part)) return waiting.get(part) ?? [];
      await writeOut();
      const file = await fileOf(part);
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, 0);
      return buffer.toString("utf8").split("\n").slice(0, -1);
    },
    remove: async () => {
      for (const file of files.values()) await file.close();
      await rm(own, { recursive: true, force: true });
    },
  };
}
