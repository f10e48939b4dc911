import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from "node:crypto";

/** C2SP signed-note: the key's type, in front of its bytes. */
const ed25519Type = Buffer.from([0x01]);
const keyIdBytes = 4;
const signatureBytes = 64;
const dash = "\u2014";

/** Signs notes as one name; `vkey` is what others need to check them. */
export interface CheckpointSigner {
  readonly name: string;
  readonly vkey: string;
  /** The whole note: the text, an empty line, the signature line. `text` must end with a newline. */
  sign(text: string): string;
}

export interface CheckpointVerifier {
  readonly name: string;
  readonly vkey: string;
  readonly keyId: Buffer;
  /** Whether these 64 bytes are this key's signature of the text; computed off the main thread. */
  verifies(text: string, signature: Buffer): Promise<boolean>;
}

/** C2SP signed-note: a key name holds no Unicode space and no plus sign. */
const keyName = /^[^\s+\p{Z}]+$/u;

function rawPublicKey(key: KeyObject): Buffer {
  const { crv, x } = key.export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new TypeError("the log's key is not Ed25519");
  return Buffer.from(x, "base64url");
}

function identify(key: KeyObject, name: string): { keyId: Buffer; vkey: string } {
  if (!keyName.test(name)) throw new TypeError("a log's origin has no spaces and no plus sign");
  const typed = Buffer.concat([ed25519Type, rawPublicKey(key)]);
  const digest = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), typed]), "buffer");
  const keyId = digest.subarray(0, keyIdBytes);
  return { keyId, vkey: `${name}+${keyId.toString("hex")}+${typed.toString("base64")}` };
}

/** Throws when the PEM (PKCS #8) holds no Ed25519 key or the origin cannot be a key name. */
export function createSigner(pem: string, origin: string): CheckpointSigner {
  const key = createPrivateKey(pem);
  const { keyId, vkey } = identify(createPublicKey(key), origin);
  return {
    name: origin,
    vkey,
    sign: (text) => {
      const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), key)]);
      return `${text}\n${dash} ${origin} ${signature.toString("base64")}\n`;
    },
  };
}

/** Throws when the PEM (SubjectPublicKeyInfo) holds no Ed25519 key or the origin cannot be a key name. */
export function createVerifier(spkiPem: string, origin: string): CheckpointVerifier {
  const key = createPublicKey(spkiPem);
  return {
    name: origin,
    ...identify(key, origin),
    verifies: (text, signature) =>
      new Promise((resolve, reject) => {
        verify(null, Buffer.from(text), key, signature, (error, good) =>
          error === null ? resolve(good) : reject(error),
        );
      }),
  };
}

/** DER in front of a raw Ed25519 key (RFC 8410 §4). */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** Reads the vkey form, `name+keyid+base64`; null when it is not one of an Ed25519 key. */
export function parseVkey(vkey: string): CheckpointVerifier | null {
  const found = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey);
  const [, name = "", , encoded = ""] = found ?? [];
  const typed = Buffer.from(encoded, "base64");
  if (found === null || !keyName.test(name)) return null;
  if (typed.length !== 33 || !typed.subarray(0, 1).equals(ed25519Type)) return null;
  const spki = Buffer.concat([spkiPrefix, typed.subarray(1)]).toString("base64");
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;
  const verifier = createVerifier(pem, name);
  return verifier.vkey === vkey ? verifier : null;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

export interface Note {
  /** With its closing newline: what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const signatureLine = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/;

function parseSignature(line: string): NoteSignature | null {
  const found = signatureLine.exec(line);
  const bytes = Buffer.from(found?.[2] ?? "", "base64");
  if (found === null || bytes.length <= keyIdBytes) return null;
  return {
    name: found[1] ?? "",
    keyId: bytes.subarray(0, keyIdBytes),
    signature: bytes.subarray(keyIdBytes),
  };
}

/** Splits a note into text and signatures without checking these; null when it has not the form. */
export function parseNote(note: string): Note | null {
  const split = note.lastIndexOf("\n\n");
  if (split === -1 || !note.endsWith("\n")) return null;
  const lines = note.slice(split + 2, -1).split("\n");
  const signatures = lines.map(parseSignature).filter((each) => each !== null);
  if (signatures.length !== lines.length) return null;
  return { text: note.slice(0, split + 1), signatures };
}

/**
 * Whether a key that is known signed the note. C2SP signed-note: signatures of unknown keys are
 * passed over, but one that names a known key and does not verify spoils the note.
 */
export async function isSigned(
  { text, signatures }: Note,
  verifiers: readonly CheckpointVerifier[],
): Promise<boolean> {
  let good = 0;
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((each) => each.name === name && each.keyId.equals(keyId));
    if (verifier === undefined) continue;
    const whole = signature.length === signatureBytes;
    if (!whole || !(await verifier.verifies(text, signature))) return false;
    good += 1;
  }
  return good > 0;
}
