import { existsSync, readFileSync, rmSync } from "node:fs";
import { writeSecretFile, type Home } from "#assembly/home.ts";
import type { WorkNotes } from "#assembly/key-life/life.ts";

/** Notes in the home, a file each. */
export function workNotes(home: Home): WorkNotes {
  const pathOf = (name: string): string => home.file("key-life", `${name}.json`);
  return {
    read: (name) => {
      const path = pathOf(name);
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
    write: (name, text) => writeSecretFile(pathOf(name), text),
    remove: (name) => rmSync(pathOf(name), { force: true }),
  };
}
