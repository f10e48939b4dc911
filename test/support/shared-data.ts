import { existsSync } from "node:fs";
import { join } from "node:path";

/** Example sets that are not the project's own: $PHYLAX_SHARED, else `shared` beside the project. */
export const sharedFolder =
  process.env["PHYLAX_SHARED"] ?? new URL("../../../shared", import.meta.url).pathname;

export const synthea = join(sharedFolder, "data", "synthea");

/** For node:test's `skip`. */
export const noSharedData: string | false = existsSync(synthea) ? false : "no shared data";
