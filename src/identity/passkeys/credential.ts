import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import { isRecord } from "#core/jws.ts";

const base64url = /^[A-Za-z0-9_-]+$/;
/** WebAuthn Level 3 §4: a credential id has at most 1,023 bytes. */
const idCharsMax = 1_364;
const fieldCharsMax = 48 * 1024;

type Fields = Readonly<Record<string, unknown>>;

function bytesField(fields: Fields, name: string, max = fieldCharsMax): string | null {
  const value = fields[name];
  return typeof value === "string" && value.length <= max && base64url.test(value) ? value : null;
}

/** What both kinds of answer share: the credential's id and the fields of its response. */
function parseCredential(value: unknown): { id: string; response: Fields } | null {
  if (!isRecord(value) || value["type"] !== "public-key") return null;
  const id = bytesField(value, "id", idCharsMax);
  const response = value["response"];
  if (id === null || value["rawId"] !== id || !isRecord(response)) return null;
  return { id, response };
}

/** AuthenticationResponseJSON of WebAuthn Level 3 §5.1.8, of a discoverable credential; null when it is none. */
export function parseAuthentication(
  value: unknown,
): (AuthenticationResponseJSON & { response: { userHandle: string } }) | null {
  const credential = parseCredential(value);
  if (credential === null) return null;
  const { id, response } = credential;
  const clientDataJSON = bytesField(response, "clientDataJSON");
  const authenticatorData = bytesField(response, "authenticatorData");
  const signature = bytesField(response, "signature");
  const userHandle = bytesField(response, "userHandle", 128);
  if (clientDataJSON === null || authenticatorData === null) return null;
  if (signature === null || userHandle === null) return null;
  return {
    id,
    rawId: id,
    type: "public-key",
    clientExtensionResults: {},
    response: { clientDataJSON, authenticatorData, signature, userHandle },
  };
}

const transportsMax = 8;

function transportsOf(response: Fields): string[] {
  const listed: readonly unknown[] = Array.isArray(response["transports"])
    ? response["transports"]
    : [];
  return listed
    .filter((one): one is string => typeof one === "string" && /^[a-z-]{1,32}$/.test(one))
    .slice(0, transportsMax);
}

/** RegistrationResponseJSON of WebAuthn Level 3 §5.1.8; null when it is none. */
export function parseRegistration(value: unknown): RegistrationResponseJSON | null {
  const credential = parseCredential(value);
  if (credential === null) return null;
  const { id, response } = credential;
  const clientDataJSON = bytesField(response, "clientDataJSON");
  const attestationObject = bytesField(response, "attestationObject");
  if (clientDataJSON === null || attestationObject === null) return null;
  return {
    id,
    rawId: id,
    type: "public-key",
    clientExtensionResults: {},
    response: { clientDataJSON, attestationObject, transports: transportsOf(response) },
  };
}
