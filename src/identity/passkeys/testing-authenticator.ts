import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { isRecord } from "#core/jws.ts";
import { origin } from "#identity/testing.ts";

type Cbor =
  | number
  | string
  | Buffer
  | { readonly items: readonly Cbor[] }
  | readonly (readonly [Cbor, Cbor])[];

/** RFC 8949 §3: the head of an item, for arguments below 2^16. */
function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(major << 5) | argument]);
  if (argument < 256) return Buffer.from([(major << 5) | 24, argument]);
  return Buffer.from([(major << 5) | 25, argument >> 8, argument & 255]);
}

function cbor(value: Cbor): Buffer {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    return Buffer.concat([head(3, bytes.length), bytes]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if ("items" in value)
    return Buffer.concat([head(4, value.items.length), ...value.items.map(cbor)]);
  const members = value.flatMap(([key, member]) => [cbor(key), cbor(member)]);
  return Buffer.concat([head(5, value.length), ...members]);
}

const sha256 = (bytes: Buffer | string): Buffer => createHash("sha256").update(bytes).digest();

/** What a misbehaving browser or authenticator may have otherwise. */
export interface Misbehaviour {
  readonly origin?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly rpId?: string;
  /** WebAuthn Level 3 §6.1: bit 0 user present, bit 2 user verified. */
  readonly flags?: number;
  readonly userHandle?: string;
  readonly counter?: number;
}

/** A platform authenticator in software: one discoverable ES256 credential, attestation "none". */
export interface Authenticator {
  readonly credentialId: string;
  create(options: unknown, wrong?: Misbehaviour): Readonly<Record<string, unknown>>;
  get(options: unknown, wrong?: Misbehaviour): Readonly<Record<string, unknown>>;
}

const userPresent = 0x01;
const userVerified = 0x04;
const attestedData = 0x40;

function member(value: unknown, ...names: readonly string[]): string {
  const found = names.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : null), value);
  if (typeof found !== "string") throw new Error(`the options have no ${names.join(".")}`);
  return found;
}

function clientData(type: string, options: unknown, wrong: Misbehaviour): Buffer {
  const data = {
    type: wrong.type ?? type,
    challenge: wrong.challenge ?? member(options, "challenge"),
    origin: wrong.origin ?? origin,
    crossOrigin: false,
  };
  return Buffer.from(JSON.stringify(data));
}

function authenticatorData(rpId: string, flags: number, counter: number): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(counter);
  return Buffer.concat([sha256(rpId), Buffer.from([flags]), count]);
}

/** COSE_Key of RFC 9053 §7.1.1: EC2, ES256, P-256. */
function coseKey(publicKey: KeyObject): Buffer {
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  return cbor([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, Buffer.from(x, "base64url")],
    [-3, Buffer.from(y, "base64url")],
  ]);
}

/** A maker's key and certificates, leaf first; without certificates, it attests by its own key. */
export interface Maker {
  readonly key: KeyObject | null;
  readonly certificates: readonly Buffer[];
}

export function createAuthenticator(maker?: Maker): Authenticator {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(32);
  const credentialId = id.toString("base64url");
  let userHandle = "";
  let counter = 0;
  const credential = (response: Readonly<Record<string, unknown>>) => ({
    id: credentialId,
    rawId: credentialId,
    type: "public-key",
    authenticatorAttachment: "platform",
    clientExtensionResults: {},
    response,
  });
  return {
    credentialId,
    create: (options, wrong = {}) => {
      userHandle = member(options, "user", "id");
      const flags = wrong.flags ?? userPresent | userVerified;
      const data = Buffer.concat([
        authenticatorData(wrong.rpId ?? member(options, "rp", "id"), flags | attestedData, counter),
        Buffer.alloc(16),
        Buffer.from([id.length >> 8, id.length & 255]),
        id,
        coseKey(publicKey),
      ]);
      const client = clientData("webauthn.create", options, wrong);
      const signed = Buffer.concat([data, sha256(client)]);
      const statement: Cbor =
        maker === undefined
          ? []
          : [
              ["alg", -7],
              ["sig", sign("sha256", signed, maker.key ?? privateKey)],
              ...(maker.certificates.length === 0
                ? []
                : [["x5c", { items: maker.certificates }] as const]),
            ];
      const attestation = cbor([
        ["fmt", maker === undefined ? "none" : "packed"],
        ["attStmt", statement],
        ["authData", data],
      ]);
      return credential({
        clientDataJSON: client.toString("base64url"),
        attestationObject: attestation.toString("base64url"),
        transports: ["internal"],
      });
    },
    get: (options, wrong = {}) => {
      counter += 1;
      const client = clientData("webauthn.get", options, wrong);
      const data = authenticatorData(
        wrong.rpId ?? member(options, "rpId"),
        wrong.flags ?? userPresent | userVerified,
        wrong.counter ?? counter,
      );
      const signature = sign("sha256", Buffer.concat([data, sha256(client)]), privateKey);
      return credential({
        clientDataJSON: client.toString("base64url"),
        authenticatorData: data.toString("base64url"),
        signature: signature.toString("base64url"),
        userHandle: wrong.userHandle ?? userHandle,
      });
    },
  };
}
