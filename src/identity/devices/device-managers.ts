import { createPublicKey } from "node:crypto";
import { parsePublicJwk } from "#core/jws.ts";

export type ManagerKey = NonNullable<ReturnType<typeof parsePublicJwk>>;

/** The public keys by which managers of devices sign, by the manager's name. */
export type DeviceManagers = ReadonlyMap<string, ManagerKey>;

/** A public key in PEM (SubjectPublicKeyInfo); null unless it is one, of Ed25519 or P-256. */
export function parseManagerKey(pem: string): ManagerKey | null {
  // A private key would be read as well: its owner must not have handed it out.
  if (!pem.includes("-----BEGIN PUBLIC KEY-----")) return null;
  try {
    return parsePublicJwk(createPublicKey(pem).export({ format: "jwk" }));
  } catch {
    // node:crypto throws for whatever it cannot read.
    return null;
  }
}
