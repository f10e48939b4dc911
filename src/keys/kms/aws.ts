import { ok, type Result } from "#core/result.ts";
import { refusedRoot, unavailable } from "#keys/kms/failures.ts";
import { absolutePath, flag, oneOf, origin, parseShape, text } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { textAt } from "#keys/kms/ask.ts";
import { readPrivateFile } from "#keys/private-file.ts";
import { jsonOf } from "#keys/shape.ts";

/** A symmetric key of AWS KMS. */
export interface AwsConfig {
  readonly kind: "aws";
  readonly region: string;
  /** The key's ARN. An alias may be pointed at another key, so none is taken. */
  readonly key: string;
  /**
   * In the form that AWS documents for `credential_process`; of mode 0600 and read anew whenever
   * what it held ends. Null: the SDK's own chain (environment, profile, container, instance).
   */
  readonly credentialsFile: string | null;
  /** A VPC endpoint; null: the region's own. */
  readonly endpoint: string | null;
  /** Asks the endpoint that runs on FIPS 140 validated modules. */
  readonly fips: boolean | null;
}

const who = "AWS KMS";
const limits = { answerMs: 3_000, connectMs: 2_000, tries: 2, credentialsBytes: 16_384 } as const;

/** Null when the value is not this kind's choice. */
export function parseAwsConfig(value: unknown): AwsConfig | null {
  return parseShape(value, {
    needs: {
      kind: oneOf("aws"),
      region: text(/^[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}$/),
      key: text(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]{1,64}$/),
    },
    may: { credentialsFile: absolutePath, endpoint: origin, fips: flag },
  });
}

type Sdk = typeof import("@aws-sdk/client-kms");
type Client = InstanceType<Sdk["KMSClient"]>;

/** Fails with "key-unavailable" when the optional package is not installed. */
export async function openAwsKms(config: AwsConfig): Promise<Result<Kms>> {
  let sdk: Sdk;
  try {
    sdk = await import("@aws-sdk/client-kms");
  } catch {
    return unavailable("the optional package @aws-sdk/client-kms is not installed");
  }
  const client = clientOf(sdk, config);
  const { EncryptCommand, DecryptCommand } = sdk;
  const common = (context: string): { KeyId: string; EncryptionContext: { phylax: string } } => ({
    KeyId: config.key,
    EncryptionContext: { phylax: context },
  });
  return ok({
    name: "aws",
    wrap: (kek, context) =>
      call(async (abortSignal) => {
        const command = new EncryptCommand({ ...common(context), Plaintext: kek });
        return (await client.send(command, { abortSignal })).CiphertextBlob;
      }),
    unwrap: (wrapped, context) =>
      call(async (abortSignal) => {
        const command = new DecryptCommand({ ...common(context), CiphertextBlob: wrapped });
        return (await client.send(command, { abortSignal })).Plaintext;
      }),
    describe: () => `key ${config.key} of AWS KMS in ${config.region}`,
    close: () => {
      client.destroy();
      return Promise.resolve();
    },
  });
}

function clientOf(sdk: Sdk, config: AwsConfig): Client {
  const { region, endpoint, fips, credentialsFile: path } = config;
  return new sdk.KMSClient({
    region,
    maxAttempts: limits.tries,
    requestHandler: { connectionTimeout: limits.connectMs, requestTimeout: limits.answerMs },
    ...(endpoint === null ? {} : { endpoint }),
    ...(fips === true ? { useFipsEndpoint: true } : {}),
    ...(path === null ? {} : { credentials: () => readCredentials(path) }),
  });
}

class CredentialsUnusable extends Error {
  override readonly name = "CredentialsUnusable";
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** The SDK wants a provider that throws; `call` makes a problem of it. */
async function readCredentials(path: string): Promise<Credentials> {
  const file = await readPrivateFile(path, limits.credentialsBytes);
  if (file.found !== "text") throw new CredentialsUnusable();
  const value = jsonOf(file.text);
  const accessKeyId = textAt(value, "AccessKeyId");
  const secretAccessKey = textAt(value, "SecretAccessKey");
  if (accessKeyId === null || secretAccessKey === null) throw new CredentialsUnusable();
  const sessionToken = textAt(value, "SessionToken");
  const ends = Date.parse(textAt(value, "Expiration") ?? "");
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    ...(Number.isNaN(ends) ? {} : { expiration: new Date(ends) }),
  };
}

/** What AWS says of a ciphertext, key or context that does not fit. */
const foreign = new Set(["InvalidCiphertextException", "IncorrectKeyException"]);

async function call(
  work: (abort: AbortSignal) => Promise<Uint8Array | undefined>,
): Promise<Result<Buffer>> {
  const abort = AbortSignal.timeout(limits.answerMs);
  try {
    const answer = await work(abort);
    return answer === undefined || answer.length === 0
      ? unavailable(`${who} answered something else`)
      : ok(Buffer.from(answer));
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (foreign.has(name)) return refusedRoot("this root key did not wrap it");
    if (abort.aborted) return unavailable(`${who} did not answer within ${limits.answerMs} ms`);
    if (error instanceof CredentialsUnusable)
      return unavailable(`the credentials file for ${who} cannot be used`);
    // Its message may quote the request; its name is one of a documented list.
    return unavailable(`${who} does not do it (${/^\w{1,64}$/.test(name) ? name : "unknown"})`);
  }
}
