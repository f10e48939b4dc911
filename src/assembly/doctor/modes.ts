import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";

const name = "Home";
const othersMask = 0o077;
/** PostgreSQL guards its own folder, and has too many files to look at each. */
const notLookedInto = new Set(["postgres"]);
const entriesMax = 20_000;

/**
 * That the owner is the one who asks, and that nothing in the home relies on the home's own mode
 * alone. A home that is open itself is refused before anybody gets here.
 */
export function checkModes({ home }: Pick<Patient, "home">, uid: number | null): readonly Check[] {
  const { uid: owner } = lstatSync(home.path);
  if (uid !== null && uid !== 0 && owner !== uid)
    return [
      failure(
        name,
        `${home.path} belongs to another user (uid ${owner})`,
        `run Phylax and its commands as that user, or: chown -R ${uid} ${home.path}`,
      ),
    ];
  const open = openEntries(home.path, { left: entriesMax });
  const [first] = open;
  if (first === undefined) return [good(name, `${home.path} is closed to others`)];
  return [
    warning(
      name,
      `${open.length} files in it would be open to others if the home were, such as ${first}`,
      `chmod -R go= ${home.path}`,
    ),
  ];
}

function openEntries(folder: string, budget: { left: number }): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    budget.left -= 1;
    if (budget.left < 0) break;
    if (notLookedInto.has(entry.name) || entry.isSymbolicLink()) continue;
    const path = join(folder, entry.name);
    // A socket is as closed as its folder: Linux asks for the right to search that first.
    if (entry.isSocket()) continue;
    if ((lstatSync(path).mode & othersMask) !== 0 && !entry.isDirectory()) found.push(path);
    if (entry.isDirectory()) found.push(...openEntries(path, budget));
  }
  return found;
}
