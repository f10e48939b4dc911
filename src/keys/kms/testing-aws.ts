import { createHash, createHmac, createSecretKey, randomBytes } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { openUnder, sealUnder } from "#keys/gcm.ts";
import {
  fakeService,
  type FakeService,
  type ServiceAnswer,
  type ServiceRequest,
} from "#keys/kms/testing-service.ts";
import { jsonOf } from "#keys/shape.ts";
import type { Cleanup } from "#keys/testing.ts";

export const awsAccount = {
  region: "eu-central-1",
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
} as const;

const oldestRequestMs = 5 * 60_000;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: Buffer | string, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();

/** Checks Signature Version 4 by the steps of AWS's "Create a signed AWS API request". */
export function isSigned({ method, path, headers, text }: ServiceRequest, now: number): boolean {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers["authorization"] ?? "",
    );
  if (parts === null) return false;
  const [, id, day = "", region = "", signed = "", signature] = parts;
  const names = signed.split(";");
  const at = headers["x-amz-date"] ?? "";
  const time = Date.parse(at.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (id !== awsAccount.accessKeyId || region !== awsAccount.region) return false;
  if (!names.includes("host") || !names.includes("x-amz-date")) return false;
  if (!(Math.abs(now - time) < oldestRequestMs) || !at.startsWith(day)) return false;
  const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim()}\n`).join("");
  const canonical = [method, path, "", lines, signed, sha256(text)].join("\n");
  const scope = `${day}/${region}/kms/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", at, scope, sha256(canonical)].join("\n");
  const steps = [day, region, "kms", "aws4_request"];
  let key: Buffer | string = `AWS4${awsAccount.secretAccessKey}`;
  for (const step of steps) key = hmac(key, step);
  return hmac(key, toSign).toString("hex") === signature;
}

const fails = (type: string, status = 400): ServiceAnswer => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: { __type: type, message: "no" },
});

interface Asked {
  readonly KeyId?: string;
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}

/** Encrypt and Decrypt of AWS KMS's JSON 1.1 protocol, for one key. */
export async function fakeAws(t: Cleanup, keyArn: string): Promise<FakeService> {
  const key = createSecretKey(randomBytes(32));
  return fakeService(t, (request) => {
    if (!isSigned(request, Date.now())) return fails("InvalidSignatureException");
    const { KeyId, Plaintext, CiphertextBlob, EncryptionContext } = (jsonOf(request.text) ??
      {}) as Asked;
    if (KeyId !== keyArn) return fails("NotFoundException");
    const pairs = Object.entries(EncryptionContext ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const aad = encodeFields(pairs.flat());
    switch (request.headers["x-amz-target"] ?? "") {
      case "TrentService.Encrypt": {
        const plain = Buffer.from(Plaintext ?? "", "base64");
        const sealed = sealUnder(key, { nonce: randomBytes(12), aad, plain });
        return done({ CiphertextBlob: sealed.toString("base64"), KeyId });
      }
      case "TrentService.Decrypt": {
        const plain = openUnder(key, aad, Buffer.from(CiphertextBlob ?? "", "base64"));
        if (plain === null) return fails("InvalidCiphertextException");
        return done({ Plaintext: plain.toString("base64"), KeyId });
      }
      default:
        return fails("UnknownOperationException");
    }
  });
}

const done = (body: unknown): ServiceAnswer => ({
  status: 200,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body,
});
