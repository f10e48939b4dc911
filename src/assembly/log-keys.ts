import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeSecretFile, type Home } from "#assembly/home.ts";
import type { Settings } from "#assembly/home.ts";

/** The processes that write a log of their own. */
export const logWriters = ["records", "identity"] as const;
export type LogWriter = (typeof logWriters)[number];

/** C2SP tlog-checkpoint: a log is known by its origin, a schema-less URL of the operator's choice. */
export function logOrigin(settings: Settings, writer: LogWriter): string {
  return `phylax/${settings.tenant}/${writer}`;
}

/** Makes the Ed25519 key pairs that sign the checkpoints, once. */
export function makeLogKeys(home: Home): void {
  for (const writer of logWriters) {
    const path = home.file("log-keys", `${writer}.key`);
    if (existsSync(path)) continue;
    const { privateKey } = generateKeyPairSync("ed25519");
    writeSecretFile(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  }
}

/** PKCS #8 PEM. */
export function logPrivateKey(home: Home, writer: LogWriter): string {
  return readFileSync(home.file("log-keys", `${writer}.key`), "utf8");
}

/** SubjectPublicKeyInfo PEM. */
export function logPublicKey(home: Home, writer: LogWriter): string {
  return createPublicKey(logPrivateKey(home, writer))
    .export({ type: "spki", format: "pem" })
    .toString();
}
