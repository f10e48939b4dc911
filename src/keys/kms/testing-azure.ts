import {
  constants,
  createSecretKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { gcm, openUnder, sealUnder } from "#keys/gcm.ts";
import {
  fakeService,
  type FakeService,
  type ServiceAnswer,
  type ServiceRequest,
} from "#keys/kms/testing-service.ts";
import { jsonOf } from "#keys/shape.ts";
import type { Cleanup } from "#keys/testing.ts";

export const azureAccount = {
  tenant: "11111111-2222-3333-4444-555555555555",
  client: "66666666-7777-8888-9999-000000000000",
  secret: "a secret of the application",
  federated: "eyJ.a.token.of.the.cluster",
} as const;

const version = "0123456789abcdef0123456789abcdef";
export const vaultKey = `https://phylax-test.vault.azure.net/keys/root/${version}`;
export const hsmKey = `https://phylax-test.managedhsm.azure.net/keys/root/${version}`;
const accessToken = "eyJ.azure.token";

const error = (status: number, code: string): ServiceAnswer => ({
  status,
  body: { error: { code, message: "no" } },
});

function signIn({ method, path, headers, text }: ServiceRequest): ServiceAnswer {
  const query = new URL(path, "http://metadata").searchParams;
  const isMetadata =
    method === "GET" && headers["metadata"] === "true" && query.get("api-version") === "2018-02-01";
  const form = new URLSearchParams(text);
  const isGrant =
    path === `/${azureAccount.tenant}/oauth2/v2.0/token` &&
    form.get("grant_type") === "client_credentials" &&
    form.get("client_id") === azureAccount.client &&
    (form.get("client_secret") === azureAccount.secret ||
      form.get("client_assertion") === azureAccount.federated);
  const resource = isMetadata ? query.get("resource") : form.get("scope")?.replace("/.default", "");
  const isKnown =
    resource === "https://vault.azure.net" || resource === "https://managedhsm.azure.net";
  return (isMetadata || isGrant) && isKnown
    ? { status: 200, body: { access_token: accessToken, expires_in: "3599", token_type: "Bearer" } }
    : { status: 401, body: { error: "invalid_client" } };
}

type Asked = Readonly<Record<string, string | undefined>>;
const bytes = (asked: Asked, name: string): Buffer => Buffer.from(asked[name] ?? "", "base64url");

/**
 * Entra ID's token endpoint, the metadata service, and the key operations of Key Vault and Managed
 * HSM behind their authentication challenge.
 */
export async function fakeAzure(t: Cleanup): Promise<FakeService> {
  const operate = createOperations();
  return fakeService(t, (request) => {
    const { path, headers } = request;
    if (path.includes("/oauth2/")) return signIn(request);
    const [host = ""] = (headers["host"] ?? "").split(":");
    const resource = host.split(".").slice(1).join(".");
    if (headers["authorization"] !== `Bearer ${accessToken}`) {
      const authority = `https://login.microsoftonline.com/${azureAccount.tenant}`;
      const challenge = `Bearer authorization="${authority}", resource="https://${resource}"`;
      return { ...error(401, "Unauthorized"), headers: { "www-authenticate": challenge } };
    }
    return operate(request, `https://${host}/keys/root/${version}`);
  });
}

function createOperations(): (request: ServiceRequest, kid: string) => ServiceAnswer {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const aes = createSecretKey(randomBytes(32));
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  const ops = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
  const keyOf = (kid: string): ServiceAnswer => {
    const jwk = kid.includes("managedhsm")
      ? { kty: "oct-HSM" }
      : rsa.publicKey.export({ format: "jwk" });
    return {
      status: 200,
      body: { key: { ...jwk, kid, key_ops: ops }, attributes: { enabled: true } },
    };
  };
  const value = (kid: string, found: Buffer, more: Asked = {}): ServiceAnswer => ({
    status: 200,
    body: { kid, value: found.toString("base64url"), ...more },
  });
  return ({ method, path, text }, kid) => {
    const asked = (jsonOf(text) ?? {}) as Asked;
    const given = bytes(asked, "value");
    const [, work] = new RegExp(`^/keys/root/${version}(?:/([a-z]+))?\\?`).exec(path) ?? [];
    if (method === "GET") return keyOf(kid);
    try {
      switch (`${work} ${asked["alg"]}`) {
        case "wrapkey RSA-OAEP-256":
          return value(kid, publicEncrypt({ key: rsa.publicKey, ...oaep }, given));
        case "unwrapkey RSA-OAEP-256":
          return value(kid, privateDecrypt({ key: rsa.privateKey, ...oaep }, given));
        case "encrypt A256GCM": {
          const aad = bytes(asked, "aad");
          const sealed = sealUnder(aes, { nonce: randomBytes(gcm.nonceBytes), aad, plain: given });
          const end = sealed.length - gcm.tagBytes;
          const iv = sealed.subarray(0, gcm.nonceBytes).toString("base64url");
          const tag = sealed.subarray(end).toString("base64url");
          return value(kid, sealed.subarray(gcm.nonceBytes, end), { iv, tag });
        }
        case "decrypt A256GCM": {
          const sealed = Buffer.concat([bytes(asked, "iv"), given, bytes(asked, "tag")]);
          const plain = openUnder(aes, bytes(asked, "aad"), sealed);
          return plain === null ? error(400, "BadParameter") : value(kid, plain);
        }
        default:
          return error(404, "KeyNotFound");
      }
    } catch {
      return error(400, "BadParameter");
    }
  };
}
