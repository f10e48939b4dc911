import { readFile } from "node:fs/promises";
import type { Dispatcher } from "undici";
import { ok, unreachable, type Result } from "#core/result.ts";
import { ask, type Question } from "#keys/kms/ask.ts";
import { unavailable } from "#keys/kms/failures.ts";
import { absolutePath, oneOf, parseShape, text } from "#keys/kms/fields.ts";
import { readPrivateFile } from "#keys/private-file.ts";
import { jsonOf } from "#keys/shape.ts";

/** How we prove to Microsoft Entra ID who we are. */
export type AzureSignIn =
  | { readonly by: "managed-identity"; readonly client: string | null }
  | {
      readonly by: "client-secret";
      readonly tenant: string;
      readonly client: string;
      /** Of mode 0600. */
      readonly secretFile: string;
    }
  | {
      readonly by: "workload-identity";
      readonly tenant: string;
      readonly client: string;
      /** A token of the surroundings, such as Kubernetes', that Entra ID is told to believe. */
      readonly tokenFile: string;
    };

export interface AzureToken {
  readonly token: string;
  readonly lastsMs: number;
}

const who = "Azure's sign-in";
const authority = "https://login.microsoftonline.com";
/** The instance metadata service, on every virtual machine of Azure. */
const metadata = "http://169.254.169.254/metadata/identity/oauth2/token";
const metadataVersion = "2018-02-01";
const secretBytesMax = 16_384;
const uuid = text(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);

/** Null when the value is not a way to sign in that we know. */
export function parseAzureSignIn(value: unknown): AzureSignIn | null {
  const known = { tenant: uuid, client: uuid };
  return (
    parseShape(value, { needs: { by: oneOf("managed-identity") }, may: { client: uuid } }) ??
    parseShape(value, {
      needs: { by: oneOf("client-secret"), ...known, secretFile: absolutePath },
      may: {},
    }) ??
    parseShape(value, {
      needs: { by: oneOf("workload-identity"), ...known, tokenFile: absolutePath },
      may: {},
    })
  );
}

/** A token for `resource`, such as `https://vault.azure.net`. Fails with "key-unavailable". */
export async function azureToken(
  dispatcher: Dispatcher,
  signIn: AzureSignIn,
  resource: string,
): Promise<Result<AzureToken>> {
  const question = await questionOf(signIn, resource);
  if (!question.ok) return question;
  const answer = await ask(dispatcher, who, question.value);
  if (!answer.ok) return answer;
  if (answer.value.status !== 200)
    return unavailable(`${who} refuses us (HTTP ${answer.value.status})`);
  return tokenOf(jsonOf(answer.value.text)) ?? unavailable(`${who} answered something else`);
}

async function questionOf(signIn: AzureSignIn, resource: string): Promise<Result<Question>> {
  switch (signIn.by) {
    case "managed-identity": {
      const url = new URL(metadata);
      url.searchParams.set("api-version", metadataVersion);
      url.searchParams.set("resource", resource);
      if (signIn.client !== null) url.searchParams.set("client_id", signIn.client);
      return ok({ url, method: "GET", headers: { metadata: "true" }, body: null });
    }
    case "client-secret": {
      const secret = await readSecret(signIn.secretFile);
      return secret.ok ? ok(grant(signIn, resource, { client_secret: secret.value })) : secret;
    }
    case "workload-identity": {
      const token = await readToken(signIn.tokenFile);
      if (!token.ok) return token;
      return ok(
        grant(signIn, resource, {
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: token.value,
        }),
      );
    }
    default:
      return unreachable(signIn);
  }
}

/** RFC 6749 §4.4: the client credentials grant. */
function grant(
  { tenant, client }: { tenant: string; client: string },
  resource: string,
  proof: Readonly<Record<string, string>>,
): Question {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client,
    scope: `${resource}/.default`,
    ...proof,
  });
  return {
    url: new URL(`/${tenant}/oauth2/v2.0/token`, authority),
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  };
}

async function readSecret(path: string): Promise<Result<string>> {
  const file = await readPrivateFile(path, secretBytesMax);
  if (file.found === "text") return ok(file.text.trim());
  return unavailable(`${path}: ${file.found === "nothing" ? "not there" : file.why}`);
}

/** Kubernetes gives it as a symbolic link that others may read, and replaces it within the hour. */
async function readToken(path: string): Promise<Result<string>> {
  try {
    return ok((await readFile(path, "utf8")).trim());
  } catch {
    return unavailable(`the token in ${path} cannot be read`);
  }
}

/** The metadata service writes its numbers as text. */
function tokenOf(value: unknown): Result<AzureToken> | null {
  if (typeof value !== "object" || value === null) return null;
  if (!("access_token" in value) || !("expires_in" in value)) return null;
  const lastsMs = Number(value.expires_in) * 1_000;
  const token = value.access_token;
  return typeof token === "string" && Number.isFinite(lastsMs) ? ok({ token, lastsMs }) : null;
}
