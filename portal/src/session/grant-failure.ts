import * as oauth from "oauth4webapi";
import { failureOfThrown, problemFailure, type Failure } from "../api/failure.ts";

/** OpenID Connect Core §3.1.2.6: what a silent request is told when a person is needed. */
const needsPerson = new Set([
  "login_required",
  "interaction_required",
  "consent_required",
  "account_selection_required",
]);

/** What a failed authorization answer or token request means to the person. */
export function grantFailure(error: unknown): Failure {
  if (error instanceof oauth.AuthorizationResponseError) {
    if (needsPerson.has(error.error)) return { kind: "signed-out" };
    return problemFailure(error.error === "access_denied" ? "sign-in-stopped" : "sign-in-broken");
  }
  if (error instanceof oauth.ResponseBodyError) {
    // RFC 6749 §5.2: the code or refresh token is used up, revoked or its session is over.
    if (error.error === "invalid_grant") return { kind: "signed-out" };
    return problemFailure(error.status === 429 ? "rate-limited" : "sign-in-broken");
  }
  const isProtocolError =
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.WWWAuthenticateChallengeError;
  return isProtocolError ? problemFailure("sign-in-broken") : failureOfThrown(error);
}
