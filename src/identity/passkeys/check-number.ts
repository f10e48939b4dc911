import type { Blind } from "#identity/blind.ts";

/**
 * Six digits that stand for one new passkey, shown by both devices: who confirms a device by them
 * confirms the one in her hand and not that of somebody who photographed the QR code.
 */
export function checkNumberOf(blind: Blind, credentialId: Buffer): string {
  const hash = blind("check-number", credentialId.toString("base64url"));
  return (hash.readUInt32BE(0) % 1_000_000).toString().padStart(6, "0");
}
