import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import { isObject, text } from "../fhir/json.ts";

/** Null when it lacks what a browser needs. */
export function requestOptions(value: unknown): PublicKeyCredentialRequestOptionsJSON | null {
  return isObject(value) && text(value["challenge"]) !== null
    ? (value as unknown as PublicKeyCredentialRequestOptionsJSON)
    : null;
}

/** Null when it lacks what a browser needs. */
export function creationOptions(value: unknown): PublicKeyCredentialCreationOptionsJSON | null {
  const isWhole =
    isObject(value) &&
    text(value["challenge"]) !== null &&
    isObject(value["rp"]) &&
    isObject(value["user"]);
  return isWhole ? (value as unknown as PublicKeyCredentialCreationOptionsJSON) : null;
}
