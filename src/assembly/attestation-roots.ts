import { join } from "node:path";
import type { Event } from "#identity/event.ts";
import {
  attestationFormats,
  parseRoots,
  type AttestationFormat,
  type AttestationRoots,
} from "#identity/passkeys/attestation.ts";
import type { Home } from "#assembly/home.ts";
import { readPemFiles } from "#assembly/pem-files.ts";

/**
 * Reads `attestation-roots/FORMAT/*.pem` of the home. A format whose folder is there is believed by
 * these roots alone: by none, when they cannot be read.
 */
export function readAttestationRoots(home: Home, event: Event): AttestationRoots {
  const found = new Map<AttestationFormat, NonNullable<ReturnType<typeof parseRoots>>>();
  for (const format of attestationFormats) {
    const files = readPemFiles(join(home.path, "attestation-roots", format));
    if (files === null) continue;
    const roots = files.flatMap(({ name, pem }) => {
      const parsed = parseRoots(pem);
      if (parsed === null || parsed.length === 0)
        event("attestation-root-refused", { file: `${name}.pem` });
      return parsed ?? [];
    });
    found.set(format, roots);
  }
  return found;
}
