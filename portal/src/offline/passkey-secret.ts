import { done, fail, problemFailure, type Outcome } from "../api/failure.ts";

/** What a passkey computes of a salt (WebAuthn Level 3 §10.1.4), and which passkey it was. */
export interface PasskeySecret {
  readonly credential: Uint8Array<ArrayBuffer>;
  readonly secret: ArrayBuffer;
  /** Id of the account that the passkey is of, as it stands in its user handle. */
  readonly account: string | null;
}

const secretBytes = 32;

/** The account's uuid out of its 16 bytes; null for anything else. */
function accountOf(handle: ArrayBuffer | null): string | null {
  if (handle?.byteLength !== 16) return null;
  const hex = Array.from(new Uint8Array(handle), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function bytesOf(source: BufferSource | undefined): ArrayBuffer | null {
  if (source === undefined || source.byteLength !== secretBytes) return null;
  const view = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  return Uint8Array.from(view).buffer;
}

/**
 * Has a passkey of this site compute its secret for the salt, after the person has shown that it is
 * she; works without a connection. "offline-no-lock" when the passkey cannot do it.
 */
export async function askPasskey(
  salt: Uint8Array<ArrayBuffer>,
  known: Uint8Array<ArrayBuffer> | null,
): Promise<Outcome<PasskeySecret>> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    // Nobody verifies the signature: it is the secret that opens the lock.
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    rpId: location.hostname,
    userVerification: "required",
    allowCredentials: known === null ? [] : [{ type: "public-key", id: known }],
    extensions: { prf: { eval: { first: salt } } },
  };
  const found = await navigator.credentials.get({ publicKey }).catch(() => null);
  if (!(found instanceof PublicKeyCredential)) return fail(problemFailure("passkey-cancelled"));
  const secret = bytesOf(found.getClientExtensionResults().prf?.results?.first);
  if (secret === null) return fail(problemFailure("offline-no-lock"));
  const { response } = found;
  const handle = response instanceof AuthenticatorAssertionResponse ? response.userHandle : null;
  return done({ credential: new Uint8Array(found.rawId), secret, account: accountOf(handle) });
}
