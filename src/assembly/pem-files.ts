import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface PemFile {
  /** The name of the file without its ending. */
  readonly name: string;
  readonly pem: string;
}

const ending = ".pem";
/** Files that are read of one folder. */
const filesMax = 100;

/** The first 100 `*.pem` files of a folder, by name; null when it is not there. Throws when one cannot be read. */
export function readPemFiles(folder: string): readonly PemFile[] | null {
  if (!existsSync(folder)) return null;
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .toSorted()
    .slice(0, filesMax)
    .map((file) => ({
      name: file.slice(0, -ending.length),
      pem: readFileSync(join(folder, file), "utf8"),
    }));
}
