import type { Dispatcher } from "undici";
import { ok, type Result } from "#core/result.ts";
import { ask, askJson, askLimits, textAt } from "#keys/kms/ask.ts";
import { crc32c } from "#keys/kms/crc32c.ts";
import { refusedRoot, unavailable, within } from "#keys/kms/failures.ts";
import { absolutePath, oneOf, origin, parseShape, text } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { KmsTools } from "#keys/kms/tools.ts";
import { readPrivateFile } from "#keys/private-file.ts";
import { jsonOf } from "#keys/shape.ts";

/** A symmetric key of Google Cloud KMS, over its REST interface v1. */
export interface GcpConfig {
  readonly kind: "gcp";
  /** `projects/…/locations/…/keyRings/…/cryptoKeys/…`: each wrapping names its own version. */
  readonly key: string;
  /** Key of a service account, of mode 0600; null: what the surroundings offer (a machine's identity). */
  readonly credentialsFile: string | null;
  /** A private endpoint; null: the public one. */
  readonly endpoint: string | null;
}

const who = "Google Cloud KMS";
const publicEndpoint = "https://cloudkms.googleapis.com";
const credentialsBytesMax = 16_384;
const scope = "https://www.googleapis.com/auth/cloudkms";

/** Null when the value is not this kind's choice. */
export function parseGcpConfig(value: unknown): GcpConfig | null {
  const name = "[A-Za-z0-9_.:-]{1,63}";
  const key = new RegExp(
    `^projects/${name}/locations/${name}/keyRings/${name}/cryptoKeys/${name}$`,
  );
  return parseShape(value, {
    needs: { kind: oneOf("gcp"), key: text(key) },
    may: { credentialsFile: absolutePath, endpoint: origin },
  });
}

type SignIn = () => Promise<Result<string>>;
type Sdk = typeof import("google-auth-library");

/** Fails with "key-unavailable" when the optional package is not installed. */
export async function openGcpKms(config: GcpConfig, tools: KmsTools): Promise<Result<Kms>> {
  let sdk: Sdk;
  try {
    sdk = await import("google-auth-library");
  } catch {
    return unavailable("the optional package google-auth-library is not installed");
  }
  const dispatcher = tools.connect(null);
  const deps = { config, dispatcher, signIn: signInWith(sdk, config, dispatcher) };
  return ok({
    name: "gcp",
    wrap: (kek, context) => wrap(deps, kek, context),
    unwrap: (wrapped, context) => unwrap(deps, wrapped, context),
    describe: () => `key ${config.key} of Google Cloud KMS`,
    close: () => dispatcher.close(),
  });
}

interface Deps {
  readonly config: GcpConfig;
  readonly dispatcher: Dispatcher;
  readonly signIn: SignIn;
}

function signInWith(sdk: Sdk, config: GcpConfig, dispatcher: Dispatcher): SignIn {
  let client: TokenGiver | null = null;
  return async () => {
    const made: Result<TokenGiver> =
      client === null ? await tokenGiver(sdk, config, dispatcher) : ok(client);
    if (!made.ok) return made;
    client = made.value;
    // Its errors may quote the answer of the sign-in, so they are not passed on.
    const token = client().catch(() => null);
    const got = await within(askLimits.answerMs, token);
    return typeof got === "string" ? ok(got) : unavailable(`Google lets us not sign in for ${who}`);
  };
}

type TokenGiver = () => Promise<string | null | undefined>;

async function tokenGiver(
  { GoogleAuth, JWT }: Sdk,
  { credentialsFile }: GcpConfig,
  dispatcher: Dispatcher,
): Promise<Result<TokenGiver>> {
  const transporterOptions = { fetchImplementation: fetchOver(dispatcher) };
  if (credentialsFile === null) {
    const auth = new GoogleAuth({ scopes: [scope], clientOptions: { transporterOptions } });
    return ok(() => auth.getAccessToken());
  }
  const file = await readPrivateFile(credentialsFile, credentialsBytesMax);
  if (file.found !== "text") {
    const why = file.found === "nothing" ? "not there" : file.why;
    return unavailable(`the credentials for ${who} in ${credentialsFile}: ${why}`);
  }
  const account = jsonOf(file.text);
  const [email, key] = [textAt(account, "client_email"), textAt(account, "private_key")];
  if (textAt(account, "type") !== "service_account" || email === null || key === null)
    return unavailable(`${credentialsFile} is no key of a service account`);
  const jwt = new JWT({ email, key, scopes: [scope], transporterOptions });
  return ok(async () => (await jwt.getAccessToken()).token);
}

/** What the sign-in asks goes through the same connections as all else. */
function fetchOver(dispatcher: Dispatcher): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const answer = await ask(dispatcher, "Google's sign-in", {
      url: new URL(request.url),
      method: request.method === "POST" ? "POST" : "GET",
      headers: Object.fromEntries(request.headers),
      body: request.method === "POST" ? await request.text() : null,
    });
    if (!answer.ok) throw new TypeError(answer.problem.detail);
    const { status, headers, text } = answer.value;
    return new Response(text, { status, headers });
  };
}

async function wrap(deps: Deps, kek: Buffer, context: string): Promise<Result<Buffer>> {
  const answer = await call(deps, "encrypt", { plaintext: kek }, context);
  if (!answer.ok) return answer;
  const { status, body } = answer.value;
  if (status !== 200) return unavailable(`${who} does not wrap (HTTP ${status})`);
  return checked(body, "ciphertext");
}

async function unwrap(deps: Deps, wrapped: Buffer, context: string): Promise<Result<Buffer>> {
  const answer = await call(deps, "decrypt", { ciphertext: wrapped }, context);
  if (!answer.ok) return answer;
  const { status, body } = answer.value;
  if (status === 400 && (textAt(body, "error", "message") ?? "").startsWith("Decryption failed"))
    return refusedRoot("this root key did not wrap it");
  if (status !== 200) return unavailable(`${who} does not unwrap (HTTP ${status})`);
  return checked(body, "plaintext");
}

/** Bytes and their checksum, as Google asks its callers to compare them. */
function checked(body: unknown, name: "ciphertext" | "plaintext"): Result<Buffer> {
  const bytes = Buffer.from(textAt(body, name) ?? "", "base64");
  return bytes.length > 0 && textAt(body, `${name}Crc32c`) === String(crc32c(bytes))
    ? ok(bytes)
    : unavailable(`${who} answered something else, or it was damaged on the way`);
}

async function call(
  { config, dispatcher, signIn }: Deps,
  work: "encrypt" | "decrypt",
  data: Readonly<Record<string, Buffer>>,
  context: string,
): Promise<Result<{ status: number; body: unknown }>> {
  const token = await signIn();
  if (!token.ok) return token;
  const sent = { ...data, additionalAuthenticatedData: Buffer.from(context) };
  const body = Object.entries(sent).flatMap(([name, bytes]) => [
    [name, bytes.toString("base64")],
    [`${name}Crc32c`, String(crc32c(bytes))],
  ]);
  return askJson(dispatcher, who, {
    url: new URL(`/v1/${config.key}:${work}`, config.endpoint ?? publicEndpoint),
    headers: { authorization: `Bearer ${token.value}` },
    body: Object.fromEntries(body),
  });
}
