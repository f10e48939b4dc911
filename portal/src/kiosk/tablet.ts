import * as oauth from "oauth4webapi";
import { done, fail, failureOf, problemFailure, type Outcome } from "../api/failure.ts";
import { at, text } from "../fhir/json.ts";
import { createDeviceKey } from "../session/device-key.ts";
import { createProver, type Prover } from "../session/proof.ts";

/** The visit that was handed to this tablet. */
export interface HandedVisit {
  readonly accessToken: string;
  readonly patient: string;
  readonly visit: string;
  readonly endsAtMs: number;
}

/** What the tablet asks; each request is proven by its key, which stays in the browser. */
export interface Tablet {
  setUp(code: string): Promise<Outcome<null>>;
  begin(code: string): Promise<Outcome<HandedVisit>>;
  handIn(visit: HandedVisit, form: object): Promise<Outcome<null>>;
  end(visit: HandedVisit): Promise<unknown>;
}

type Post = (path: string, secret: string, form?: object) => Promise<Outcome<unknown>>;

function createPost(origin: string, prover: Prover): Post {
  return async (path, secret, form) => {
    const send = (proof: oauth.DPoPHandle, clock: object): Promise<Response> =>
      oauth.protectedResourceRequest(
        secret,
        "POST",
        new URL(path, origin),
        new Headers(form === undefined ? {} : { "content-type": "application/fhir+json" }),
        form === undefined ? null : JSON.stringify(form),
        { DPoP: proof, ...clock },
      );
    try {
      const response = await prover.attempt(send);
      if (!response.ok) return fail(await failureOf(response));
      const body = await response.text();
      return done(body === "" ? null : JSON.parse(body));
    } catch (error) {
      if (error instanceof oauth.WWWAuthenticateChallengeError)
        return fail(await failureOf(error.response));
      return fail(error instanceof TypeError ? { kind: "offline" } : problemFailure("unexpected"));
    }
  };
}

function visitOf(body: unknown): HandedVisit | null {
  const accessToken = text(at(body, "accessToken"));
  const patient = text(at(body, "patient"));
  const visit = text(at(body, "visit"));
  const endsAtMs = Date.parse(text(at(body, "endsAt")) ?? "");
  if (accessToken === null || patient === null || visit === null) return null;
  return Number.isNaN(endsAtMs) ? null : { accessToken, patient, visit, endsAtMs };
}

/** As it goes into the header: letters and digits alone. */
const plain = (code: string): string => code.replaceAll(/[^A-Za-z0-9]/g, "") || "0";

export function createTablet(origin: string): Tablet {
  const key = createDeviceKey(indexedDB, crypto.subtle);
  const post = createPost(
    origin,
    createProver(key, () => Date.now()),
  );
  const api = "/api/identity/kiosk";
  return {
    setUp: async (code) => {
      const answer = await post(`${api}/set-up`, plain(code));
      return answer.ok ? done(null) : answer;
    },
    begin: async (code) => {
      const answer = await post(`${api}/begin`, plain(code));
      if (!answer.ok) return answer;
      const visit = visitOf(answer.value);
      return visit === null ? fail(problemFailure("unexpected")) : done(visit);
    },
    handIn: async ({ accessToken }, form) => {
      const answer = await post("/fhir/QuestionnaireResponse", accessToken, form);
      return answer.ok ? done(null) : answer;
    },
    end: ({ accessToken }) => post(`${api}/end`, accessToken),
  };
}

/** Leaves nothing of the patient in this browser but the tablet's own key: a fresh page takes the place of this one. */
export async function wipe(): Promise<void> {
  sessionStorage.clear();
  localStorage.clear();
  const names = "caches" in globalThis ? await caches.keys() : [];
  await Promise.allSettled(names.map((name) => caches.delete(name)));
  location.replace("/kiosk");
}
