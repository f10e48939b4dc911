import { invariant } from "#core/result.ts";
import type { Sealer } from "#vault/sealer.ts";

/** Throws BrokenInvariant when it does not open: the row was altered or moved, and nothing may come of it. */
export function openSealed(sealer: Sealer, purpose: string, sealed: Buffer): Buffer {
  const plain = sealer.open(purpose, sealed);
  invariant(
    plain !== null,
    `a sealed value of purpose ${purpose.replace(/:.*$/s, "")} does not open`,
  );
  return plain;
}

export function sealText(sealer: Sealer, purpose: string, text: string): Buffer {
  return sealer.seal(purpose, Buffer.from(text, "utf8"));
}

export function openText(sealer: Sealer, purpose: string, sealed: Buffer): string {
  return openSealed(sealer, purpose, sealed).toString("utf8");
}
