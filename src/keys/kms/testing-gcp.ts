import { createSecretKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openUnder, sealUnder } from "#keys/gcm.ts";
import { crc32c } from "#keys/kms/crc32c.ts";
import {
  fakeService,
  type FakeService,
  type ServiceAnswer,
  type ServiceRequest,
} from "#keys/kms/testing-service.ts";
import { jsonOf } from "#keys/shape.ts";
import { testFolder, type Cleanup } from "#keys/testing.ts";

const account = "phylax@project.iam.gserviceaccount.com";
const accessToken = "ya29.test-access-token";
const tokenUrl = "https://oauth2.googleapis.com/token";
/** PEM of 2,048 bits is slow to make: once for all tests. */
const serviceKey = generateKeyPairSync("rsa", { modulusLength: 2_048 });

/** A service account's key file; `stranger` is signed with another key than Google knows. */
export async function serviceAccountFile(t: Cleanup, stranger = false): Promise<string> {
  const { privateKey } = stranger
    ? generateKeyPairSync("rsa", { modulusLength: 2_048 })
    : serviceKey;
  const path = join(await testFolder(t), "account.json");
  const file = {
    type: "service_account",
    client_email: account,
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    token_uri: tokenUrl,
  };
  await writeFile(path, JSON.stringify(file), { mode: 0o600 });
  return path;
}

const error = (code: number, message: string): ServiceAnswer => ({
  status: code,
  body: { error: { code, message } },
});

function signIn({ text }: ServiceRequest): ServiceAnswer {
  const assertion = new URLSearchParams(text).get("assertion") ?? "";
  const [header = "", claims = "", signature = ""] = assertion.split(".");
  const signed = Buffer.from(`${header}.${claims}`);
  const told = (jsonOf(Buffer.from(claims, "base64url").toString()) ?? {}) as {
    readonly iss?: string;
    readonly aud?: string;
    readonly exp?: number;
  };
  const isGenuine =
    verify("sha256", signed, serviceKey.publicKey, Buffer.from(signature, "base64url")) &&
    told.iss === account &&
    told.aud === tokenUrl &&
    (told.exp ?? 0) * 1_000 > Date.now();
  return isGenuine
    ? { status: 200, body: { access_token: accessToken, token_type: "Bearer", expires_in: 3_599 } }
    : {
        status: 400,
        body: { error: "invalid_grant", error_description: "Invalid JWT Signature." },
      };
}

function bytes(asked: Readonly<Record<string, string>>, name: string): Buffer | null {
  const found = Buffer.from(asked[name] ?? "", "base64");
  return asked[`${name}Crc32c`] === String(crc32c(found)) ? found : null;
}

/** Google's sign-in of service accounts, and encrypt and decrypt of Cloud KMS v1 for one key. */
export async function fakeGcp(t: Cleanup, keyName: string): Promise<FakeService> {
  const key = createSecretKey(randomBytes(32));
  return fakeService(t, (request) => {
    if (request.path === "/token") return signIn(request);
    if (request.headers["authorization"] !== `Bearer ${accessToken}`)
      return error(401, "Request had invalid authentication credentials.");
    const asked = (jsonOf(request.text) ?? {}) as Readonly<Record<string, string>>;
    const aad = bytes(asked, "additionalAuthenticatedData");
    if (aad === null) return error(400, "The checksum does not match.");
    if (request.path === `/v1/${keyName}:encrypt`) {
      const plain = bytes(asked, "plaintext");
      if (plain === null) return error(400, "The checksum does not match.");
      return said("ciphertext", sealUnder(key, { nonce: randomBytes(12), aad, plain }));
    }
    if (request.path !== `/v1/${keyName}:decrypt`) return error(404, "Not found.");
    const sealed = bytes(asked, "ciphertext");
    const plain = sealed === null ? null : openUnder(key, aad, sealed);
    return plain === null
      ? error(400, "Decryption failed: verify that 'name' refers to the correct CryptoKey.")
      : said("plaintext", plain);
  });
}

const said = (name: string, found: Buffer): ServiceAnswer => ({
  status: 200,
  body: { [name]: found.toString("base64"), [`${name}Crc32c`]: String(crc32c(found)) },
});
