import { existsSync, readFileSync } from "node:fs";
import type { Clock } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import { makeAuthority, type DeviceAuthority } from "#identity/devices/certificate.ts";
import { writeSecretFile, type Home } from "#assembly/home.ts";

const keyFile = (home: Home): string => home.file("device-authority", "authority.key");
const certificateFile = (home: Home): string => home.file("device-authority", "authority.crt");

/** Makes the authority that signs the certificates of managed devices, once. */
export async function makeDeviceAuthority(home: Home, clock: Clock, random: Random): Promise<void> {
  if (existsSync(keyFile(home)) && existsSync(certificateFile(home))) return;
  const { key, certificate } = await makeAuthority(clock, random);
  writeSecretFile(keyFile(home), key);
  writeSecretFile(certificateFile(home), certificate);
}

/** Throws when no start has prepared this home. */
export function readDeviceAuthority(home: Home): DeviceAuthority {
  return { key: readFileSync(keyFile(home), "utf8"), certificate: deviceAuthorityPem(home) };
}

/** The certificate alone, which is all that the gateway needs. */
export function deviceAuthorityPem(home: Home): string {
  return readFileSync(certificateFile(home), "utf8");
}
