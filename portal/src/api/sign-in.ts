import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import type { EnrolBegin, EnrolFinish, OutsideOffer, SignInStep } from "../../../src/core/wire.ts";
import { at, list, text } from "../fhir/json.ts";
import { ask, expected } from "./ask.ts";
import { done, fail, problemFailure, type Outcome } from "./failure.ts";
import { creationOptions, requestOptions } from "./webauthn-options.ts";

/** What a passkey is asked. */
export type PasskeyRequest = PublicKeyCredentialRequestOptionsJSON;

/** What the sign-in and sign-up pages ask of the identity service. */
export interface SignInApi {
  readonly opening: () => Promise<Outcome<SignInOpening>>;
  readonly passkeyOptions: () => Promise<Outcome<PasskeyRequest>>;
  passkey(credential: unknown): Promise<Outcome<SignInStep>>;
  password(login: string, password: string): Promise<Outcome<SignInStep>>;
  code(code: string): Promise<Outcome<SignInStep>>;
  /** Leaves for another house's sign-in page. */
  leaveFor(provider: string): Promise<Outcome<SignInStep>>;
  /** What came of it. */
  readonly comeBack: () => Promise<Outcome<SignInStep>>;
}

export interface SignInOpening {
  /** OAuth client_id of the application that asks; null when it is not told. */
  readonly client: string | null;
  /** Other houses at which staff can sign in. */
  readonly outside: readonly OutsideOffer[];
  readonly isBack: boolean;
}

export function createSignInApi(uid: string, origin: string): SignInApi {
  const base = `/sign-in/${encodeURIComponent(uid)}`;
  const step = async (path: string, body: object): Promise<Outcome<SignInStep>> => {
    const answer = await ask("POST", `${base}/${path}`, body);
    return answer.ok ? expected(readStep(answer.value, origin)) : answer;
  };
  return {
    opening: async () => {
      const answer = await ask("GET", `${base}/state`);
      return answer.ok ? done(readOpening(answer.value)) : answer;
    },
    passkeyOptions: async () => {
      const answer = await ask("POST", `${base}/passkey/options`, {});
      return answer.ok ? expected(requestOptions(answer.value)) : answer;
    },
    passkey: (credential) => step("passkey/verify", { credential }),
    password: (login, password) => step("password", { login, password }),
    code: (code) => step("totp", { code }),
    leaveFor: (provider) => step("outside/begin", { provider }),
    comeBack: () => step("outside/finish", {}),
  };
}

export interface EnrolApi {
  begin(body: EnrolBegin): Promise<Outcome<EnrolStart>>;
  /** The number by which the first device knows this one; null when nothing is left to confirm. */
  finish(body: EnrolFinish): Promise<Outcome<string | null>>;
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
    return answer.ok ? done(text(at(answer.value, "confirm"))) : answer;
  },
};

function readOpening(answer: unknown): SignInOpening {
  const outside = list(at(answer, "outside")).flatMap((offer) => {
    const id = text(at(offer, "id"));
    const label = text(at(offer, "label"));
    return id === null || label === null ? [] : [{ id, label }];
  });
  const isBack = at(answer, "isBack") === true;
  return { client: text(at(answer, "client")), outside, isBack };
}

// Only "outside" may lead to another site, over TLS; all else is checked to stay on our own.
function readStep(answer: unknown, origin: string): SignInStep | null {
  if (at(answer, "next") === "totp") return { next: "totp" };
  const reference = text(at(answer, "reference"));
  if (at(answer, "next") === "approval")
    return reference === null ? null : { next: "approval", reference };
  const redirectTo = text(at(answer, "redirectTo"));
  if (at(answer, "next") === "outside")
    return redirectTo?.startsWith("https://") === true ? { next: "outside", redirectTo } : null;
  if (at(answer, "next") !== "redirect" || redirectTo === null) return null;
  if (!URL.canParse(redirectTo, origin)) return null;
  const target = new URL(redirectTo, origin);
  return target.origin === origin ? { next: "redirect", redirectTo: target.href } : null;
}
