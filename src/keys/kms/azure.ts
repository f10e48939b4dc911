import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpClient } from "@azure/core-rest-pipeline";
import type { Dispatcher } from "undici";
import { invariant, ok, type Result } from "#core/result.ts";
import { gcm } from "#keys/gcm.ts";
import { ask, askLimits } from "#keys/kms/ask.ts";
import { azureToken, parseAzureSignIn, type AzureSignIn } from "#keys/kms/azure-sign-in.ts";
import { refusedRoot, unavailable, within } from "#keys/kms/failures.ts";
import { oneOf, parseShape, text } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { KmsTools } from "#keys/kms/tools.ts";

/** A key of Azure Key Vault or of a Managed HSM. */
export interface AzureConfig {
  readonly kind: "azure";
  /** The key's identifier with its version: a version is what a wrapping belongs to. */
  readonly key: string;
  /** AES-GCM is for a Managed HSM alone; RSA has no room for a context, see `pack`. */
  readonly algorithm: "RSA-OAEP-256" | "A256GCM";
  readonly signIn: AzureSignIn;
}

const who = "Azure Key Vault";
const keyId =
  /^https:\/\/[a-z0-9-]{3,24}\.(?:(?:vault|managedhsm)\.azure\.net|vault\.usgovcloudapi\.net|vault\.azure\.cn)\/keys\/[A-Za-z0-9-]{1,127}\/[0-9a-f]{32}$/;

/** Null when the value is not this kind's choice. */
export function parseAzureConfig(value: unknown): AzureConfig | null {
  return parseShape(value, {
    needs: {
      kind: oneOf("azure"),
      key: text(keyId),
      algorithm: oneOf("RSA-OAEP-256", "A256GCM"),
      signIn: parseAzureSignIn,
    },
    may: {},
  });
}

type Sdk = typeof import("@azure/keyvault-keys");
type Client = InstanceType<Sdk["CryptographyClient"]>;
type Credential = ConstructorParameters<Sdk["KeyClient"]>[1];
type Pipeline = typeof import("@azure/core-rest-pipeline");

/** Fails with "key-unavailable" when the optional packages are not installed. */
export async function openAzureKms(config: AzureConfig, tools: KmsTools): Promise<Result<Kms>> {
  let sdk: Sdk;
  let pipeline: Pipeline;
  try {
    [sdk, pipeline] = await Promise.all([
      import("@azure/keyvault-keys"),
      import("@azure/core-rest-pipeline"),
    ]);
  } catch {
    return unavailable("the optional package @azure/keyvault-keys is not installed");
  }
  const dispatcher = tools.connect(null);
  const credential = credentialOf(dispatcher, config);
  const client = new sdk.CryptographyClient(config.key, credential, {
    httpClient: clientOver(dispatcher, pipeline),
    retryOptions: { maxRetries: 0 },
  });
  const cipher = config.algorithm === "A256GCM" ? aesCipher(client) : rsaCipher(client);
  return ok({
    name: "azure",
    ...cipher,
    describe: () => `key ${config.key} of Azure (${config.algorithm})`,
    close: () => dispatcher.close(),
  });
}

type Cipher = Pick<Kms, "wrap" | "unwrap">;

/** Managed HSM: nonce, ciphertext and tag in one; the HSM chooses the nonce. */
function aesCipher(client: Client): Cipher {
  const algorithm = "A256GCM";
  const aadOf = (context: string): Buffer => Buffer.from(context);
  return {
    wrap: (kek, context) =>
      call("wrap", async () => {
        const additionalAuthenticatedData = aadOf(context);
        const done = await client.encrypt({
          algorithm,
          plaintext: kek,
          additionalAuthenticatedData,
        });
        const { iv, result, authenticationTag: tag } = done;
        if (iv?.length !== gcm.nonceBytes || tag?.length !== gcm.tagBytes) return null;
        return Buffer.concat([iv, result, tag]);
      }),
    unwrap: async (wrapped, context) => {
      if (wrapped.length < gcm.overheadBytes) return refusedRoot("this is no wrapped key");
      const end = wrapped.length - gcm.tagBytes;
      return call("unwrap", async () => {
        const done = await client.decrypt({
          algorithm,
          iv: wrapped.subarray(0, gcm.nonceBytes),
          ciphertext: wrapped.subarray(gcm.nonceBytes, end),
          authenticationTag: wrapped.subarray(end),
          additionalAuthenticatedData: aadOf(context),
        });
        return Buffer.from(done.result);
      });
    },
  };
}

/** Key Vault has RSA alone: the context's hash is sealed beside the key and compared here. */
function rsaCipher(client: Client): Cipher {
  const algorithm = "RSA-OAEP-256";
  return {
    wrap: (kek, context) =>
      call("wrap", async () =>
        Buffer.from((await client.wrapKey(algorithm, pack(kek, context))).result),
      ),
    unwrap: async (wrapped, context) => {
      const packed = await call("unwrap", async () =>
        Buffer.from((await client.unwrapKey(algorithm, wrapped)).result),
      );
      if (!packed.ok) return packed;
      const kek = unpack(packed.value, context);
      return kek === null ? refusedRoot("this key was wrapped for another context") : ok(kek);
    },
  };
}

const hashBytes = 32;
const hashOf = (context: string): Buffer => createHash("sha256").update(context).digest();

function pack(kek: Buffer, context: string): Buffer {
  return Buffer.concat([hashOf(context), kek]);
}

function unpack(packed: Buffer, context: string): Buffer | null {
  if (packed.length <= hashBytes) return null;
  const isOurs = timingSafeEqual(packed.subarray(0, hashBytes), hashOf(context));
  const kek = isOurs ? Buffer.from(packed.subarray(hashBytes)) : null;
  packed.fill(0);
  return kek;
}

async function call(
  what: "wrap" | "unwrap",
  work: () => Promise<Buffer | null>,
): Promise<Result<Buffer>> {
  const tried = work().then(
    (bytes) =>
      bytes === null || bytes.length === 0
        ? unavailable(`${who} answered something else`)
        : ok(bytes),
    (error: unknown) => problemOf(error, what),
  );
  return (await within(askLimits.answerMs, tried)) ?? tooLate;
}

const tooLate = unavailable(`${who} did not answer within ${askLimits.answerMs} ms`);

/** Its messages may quote a request, so only the status and our own words are passed on. */
function problemOf(error: unknown, what: "wrap" | "unwrap"): Result<Buffer> {
  if (error instanceof Unreached) return unavailable(error.message);
  const status =
    error instanceof Error && "statusCode" in error ? Number(error.statusCode) : Number.NaN;
  // Key Vault answers BadParameter, a 400, when a ciphertext is not of this key or context.
  if (status === 400 && what === "unwrap") return refusedRoot("this root key did not wrap it");
  return unavailable(
    `${who} does not ${what} (${status > 0 ? `HTTP ${status}` : "no usable answer"})`,
  );
}

/** Carries our problem through the SDK, which wants its clients to throw. */
class Unreached extends Error {
  override readonly name = "Unreached";
}

function credentialOf(dispatcher: Dispatcher, { key, signIn }: AzureConfig): Credential {
  const resource = `https://${new URL(key).hostname.split(".").slice(1).join(".")}`;
  return {
    getToken: async () => {
      const token = await azureToken(dispatcher, signIn, resource);
      if (!token.ok) throw new Unreached(token.problem.detail);
      // The SDK compares it with the time of day, which it reads itself.
      const expiresOnTimestamp = performance.timeOrigin + performance.now() + token.value.lastsMs;
      return { token: token.value.token, expiresOnTimestamp };
    },
  };
}

/** Sends the SDK's requests through our own connections, with our limits. */
function clientOver(dispatcher: Dispatcher, { createHttpHeaders }: Pipeline): HttpClient {
  return {
    sendRequest: async (request) => {
      const { body = null } = request;
      invariant(body === null || typeof body === "string", "Key Vault is sent JSON");
      const answer = await ask(dispatcher, who, {
        url: new URL(request.url),
        method: request.method === "POST" ? "POST" : "GET",
        headers: request.headers.toJSON(),
        body,
      });
      if (!answer.ok) throw new Unreached(answer.problem.detail);
      const { status, headers, text } = answer.value;
      return { request, status, headers: createHttpHeaders({ ...headers }), bodyAsText: text };
    },
  };
}
