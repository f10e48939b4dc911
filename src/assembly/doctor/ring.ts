import { join } from "node:path";
import { toIso, type Instant } from "#core/clock.ts";
import { readPrivateFile } from "#keys/private-file.ts";
import { parseRingFile, ringFileLimits } from "#keys/ring-file.ts";
import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";

const name = "Key ring";
const dayMs = 24 * 60 * 60_000;
/** NIST SP 800-57 part 1 §5.3.6: a key-wrapping key is used for two years at most. */
const renewAfterDays = 365;
const wornOutAfterDays = 730;

/** When the newest KEK epoch was made; null when the ring file cannot be read. */
export async function newestEpoch({
  home,
}: Pick<Patient, "home">): Promise<{ readonly epoch: number; readonly createdAt: Instant } | null> {
  const path = join(home.path, "keys", "key-ring.json");
  const file = await readPrivateFile(path, ringFileLimits.bytes);
  const parsed = file.found === "text" ? parseRingFile(file.text) : null;
  return parsed?.contents.epochs.at(-1) ?? null;
}

/** That the newest KEK epoch is not older than a wrapping key should get. */
export async function checkRing(patient: Pick<Patient, "home" | "clock">): Promise<Check> {
  const newest = await newestEpoch(patient);
  if (newest === null)
    return failure(
      name,
      "the key ring file is missing, damaged or open to others",
      "put back the newest copy: phylax keys restore FILE",
    );
  const days = Math.floor((patient.clock.now() - newest.createdAt) / dayMs);
  const says = `KEK epoch ${newest.epoch} since ${toIso(newest.createdAt).slice(0, 10)} (${days} days)`;
  const next = "phylax keys rotate-kek";
  if (days >= wornOutAfterDays) return failure(name, `${says}: over two years`, next);
  if (days >= renewAfterDays) return warning(name, `${says}: over a year`, next);
  return good(name, says);
}
