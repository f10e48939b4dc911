import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import { certificateClaim } from "#core/access-token.ts";
import type { Instant } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { kioskClientId } from "#identity/kiosk/limits.ts";
import type { Secrets } from "#identity/secrets.ts";

export interface KioskToken {
  readonly account: string;
  readonly session: string;
  readonly device: string;
  readonly patient: string;
  readonly jkt: string;
  /** Thumbprint of the certificate without which the key is good for nothing; null when there is none. */
  readonly certificate: string | null;
  readonly now: Instant;
  readonly endsAt: Instant;
}

/**
 * An access token (RFC 9068) for one create and no more: one scope, one patient, one key. It lasts
 * as long as its session, without which it is worth nothing.
 */
export async function signKioskToken(
  token: KioskToken,
  {
    secrets,
    publicOrigin,
    random,
  }: { readonly secrets: Secrets; readonly publicOrigin: string; readonly random: Random },
): Promise<string> {
  const [jwk] = secrets.signingKeys;
  invariant(jwk?.kid !== undefined, "no signing key");
  const { kid, crv = "", x = "", y = "", d = "" } = jwk;
  const key = createPrivateKey({ key: { kty: "EC", crv, x, y, d }, format: "jwk" });
  const { account, session, device, patient, jkt, certificate, now, endsAt } = token;
  return new SignJWT({
    sid: session,
    device,
    client_id: kioskClientId,
    scope: "patient/QuestionnaireResponse.c",
    patient,
    cnf: { jkt },
    ...(certificate === null ? {} : { [certificateClaim]: certificate }),
  })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid })
    .setIssuer(publicOrigin)
    .setAudience(`${publicOrigin}/fhir`)
    .setSubject(account)
    .setJti(random.uuid())
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(Math.floor(endsAt / 1_000))
    .sign(key);
}
