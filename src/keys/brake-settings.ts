import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { defaultBrake, type BrakeSettings } from "#keys/brake.ts";
import { readPrivateFile } from "#keys/private-file.ts";
import { exactObject, jsonOf, wholeNumber } from "#keys/shape.ts";

const fileBytesMax = 4_096;
const patientsMax = 1_000_000_000;

/** Null unless both limits are there, at least 1, and the soft one is not above the hard one. */
export function parseBrakeSettings(value: unknown): BrakeSettings | null {
  const file = exactObject(value, ["softPatientsPerHour", "hardPatientsPerHour"]);
  if (file === null) return null;
  const hard = wholeNumber(file.hardPatientsPerHour, 1, patientsMax);
  const soft = wholeNumber(file.softPatientsPerHour, 1, hard ?? 0);
  if (hard === null || soft === null) return null;
  return { softPatientsPerHour: soft, hardPatientsPerHour: hard };
}

/** The defaults when there is no file; one that cannot be read is refused, never passed over. */
export async function readBrakeSettings(path: string): Promise<Result<BrakeSettings>> {
  const file = await readPrivateFile(path, fileBytesMax);
  if (file.found === "nothing") return ok(defaultBrake);
  if (file.found === "unusable") return refuse("home-refused", { detail: `${path}: ${file.why}` });
  const settings = parseBrakeSettings(jsonOf(file.text));
  return settings === null
    ? refuse("home-refused", { detail: `${path} does not name the brake's two limits` })
    : ok(settings);
}
