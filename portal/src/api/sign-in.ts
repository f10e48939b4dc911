import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import type { EnrolBegin, EnrolFinish, SignInStep } from "../../../src/core/wire.ts";
import { at, text } from "../fhir/json.ts";
import { ask, expected } from "./ask.ts";
import { done, fail, problemFailure, type Outcome } from "./failure.ts";
import { creationOptions, requestOptions } from "./webauthn-options.ts";

/** What the sign-in and sign-up pages ask of the identity service. */
export interface SignInApi {
  /** OAuth client_id of the application that asks; null when it is not told. */
  readonly client: () => Promise<Outcome<string | null>>;
  passkeyOptions(): Promise<Outcome<PublicKeyCredentialRequestOptionsJSON>>;
  passkey(credential: unknown): Promise<Outcome<SignInStep>>;
  password(login: string, password: string): Promise<Outcome<SignInStep>>;
  code(code: string): Promise<Outcome<SignInStep>>;
}

export function createSignInApi(uid: string, origin: string): SignInApi {
  const base = `/sign-in/${encodeURIComponent(uid)}`;
  const step = async (path: string, body: object): Promise<Outcome<SignInStep>> => {
    const answer = await ask("POST", `${base}/${path}`, body);
    return answer.ok ? expected(readStep(answer.value, origin)) : answer;
  };
  return {
    client: async () => {
      const answer = await ask("GET", `${base}/state`);
      return answer.ok ? done(text(at(answer.value, "client"))) : answer;
    },
    passkeyOptions: async () => {
      const answer = await ask("POST", `${base}/passkey/options`, {});
      return answer.ok ? expected(requestOptions(answer.value)) : answer;
    },
    passkey: (credential) => step("passkey/verify", { credential }),
    password: (login, password) => step("password", { login, password }),
    code: (code) => step("totp", { code }),
  };
}

export interface EnrolApi {
  begin(body: EnrolBegin): Promise<Outcome<EnrolStart>>;
  finish(body: EnrolFinish): Promise<Outcome<null>>;
}

export interface EnrolStart {
  readonly displayName: string;
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

export const enrolApi: EnrolApi = {
  begin: async (body) => {
    const answer = await ask("POST", "/api/identity/enrol/begin", body);
    if (!answer.ok) return answer;
    const options = creationOptions(at(answer.value, "options"));
    const displayName = text(at(answer.value, "displayName")) ?? "";
    return options === null ? fail(problemFailure("unexpected")) : done({ displayName, options });
  },
  finish: async (body) => {
    const answer = await ask("POST", "/api/identity/enrol/finish", body);
    return answer.ok ? done(null) : answer;
  },
};

// A sign-in never leads to another site: the service's answer is checked all the same.
function readStep(answer: unknown, origin: string): SignInStep | null {
  if (at(answer, "next") === "totp") return { next: "totp" };
  const redirectTo = text(at(answer, "redirectTo"));
  if (at(answer, "next") !== "redirect" || redirectTo === null) return null;
  if (!URL.canParse(redirectTo, origin)) return null;
  const target = new URL(redirectTo, origin);
  return target.origin === origin ? { next: "redirect", redirectTo: target.href } : null;
}
