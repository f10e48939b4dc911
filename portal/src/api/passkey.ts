import {
  startAuthentication,
  startRegistration,
  WebAuthnError,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import { done, fail, problemFailure, type Outcome } from "./failure.ts";

/** Asks the device for a signature by one of its passkeys. */
export async function signWithPasskey(
  optionsJSON: PublicKeyCredentialRequestOptionsJSON,
): Promise<Outcome<unknown>> {
  try {
    return done(await startAuthentication({ optionsJSON }));
  } catch (error) {
    return fail(problemFailure(codeOf(error, "passkey-cancelled")));
  }
}

/** Asks the device to make a passkey. */
export async function makePasskey(
  optionsJSON: PublicKeyCredentialCreationOptionsJSON,
): Promise<Outcome<unknown>> {
  try {
    // WebAuthn Level 3 §10.1.4: some authenticators must be asked when the passkey is made, so that it
    // can lock a summary kept offline later.
    const extensions = { ...optionsJSON.extensions, prf: {} };
    return done(await startRegistration({ optionsJSON: { ...optionsJSON, extensions } }));
  } catch (error) {
    return fail(problemFailure(codeOf(error, "passkey-not-made")));
  }
}

// Browsers say NotAllowedError for a closed window, a time-out and a missing passkey alike.
function codeOf(error: unknown, otherwise: string): string {
  if (!(error instanceof Error)) return otherwise;
  const isKept =
    error instanceof WebAuthnError && error.code === "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED";
  if (isKept) return "passkey-exists";
  if (error.name === "NotSupportedError" || error.message.includes("not supported")) {
    return "passkey-unsupported";
  }
  return otherwise;
}
