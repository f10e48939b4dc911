import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Event } from "#identity/event.ts";
import {
  attestationFormats,
  parseRoots,
  type AttestationFormat,
  type AttestationRoots,
} from "#identity/passkeys/attestation.ts";
import type { Home } from "#assembly/home.ts";

/**
 * Reads `attestation-roots/FORMAT/*.pem` of the home. A format whose folder is there is believed by
 * these roots alone: by none, when they cannot be read.
 */
export function readAttestationRoots(home: Home, event: Event): AttestationRoots {
  const rootsIn = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".pem"))
      .toSorted()
      .flatMap((file) => {
        const roots = parseRoots(readFileSync(join(folder, file), "utf8"));
        if (roots === null || roots.length === 0) event("attestation-root-refused", { file });
        return roots ?? [];
      });
  const found = new Map<AttestationFormat, ReturnType<typeof rootsIn>>();
  for (const format of attestationFormats) {
    const folder = join(home.path, "attestation-roots", format);
    if (existsSync(folder)) found.set(format, rootsIn(folder));
  }
  return found;
}
