import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export const encode = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** Members of the public JWK. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

export function ecKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }) } };
}

export function edKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }) } };
}

/** A compact JWS of this header and these claims, ES256 or Ed25519 by the kind of key. */
export function signJws(header: unknown, claims: unknown, { privateKey }: SigningKey): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  const isEc = privateKey.asymmetricKeyType === "ec";
  const signature = sign(isEc ? "sha256" : null, Buffer.from(signed), {
    key: privateKey,
    dsaEncoding: "ieee-p1363",
  });
  return `${signed}.${signature.toString("base64url")}`;
}
