import type { IncomingMessage, ServerResponse } from "node:http";
import { at, text } from "../src/fhir/json.ts";
import { madeUpInvitation } from "./account.ts";
import type { Clinic } from "./clinic.ts";
import { bodyOf, send } from "./records.ts";

const dayMs = 86_400_000;
const token = "r".repeat(43);
/** The recovery whose wait is over. */
export const readyToken = "d".repeat(43);

/** What the consent page is told of a made-up app. */
const offer = (clinic: Clinic) => ({
  app: {
    name: "Heart Diary",
    home: "https://heart-diary.example",
    approvedAt: new Date(Date.now() - 90 * dayMs).toISOString(),
    keepsKey: false,
  },
  scopes: [
    { scope: "openid", words: "That it is you", needed: true },
    { scope: "patient/Observation.rs", words: "Read your test results", needed: false },
    { scope: "patient/Condition.rs", words: "Read your health problems", needed: false },
  ],
  days: 90,
  patient: {
    kind: "pick",
    patients: clinic.people.patient.patients.map((id, index) => ({
      id,
      name: index === 0 ? clinic.people.patient.displayName : null,
    })),
  },
});

/** Answers the pages that come before a sign-in; false when the address is none of theirs. */
export async function entry(
  clinic: Clinic,
  { url, request }: { readonly url: URL; readonly request: IncomingMessage },
  response: ServerResponse,
): Promise<boolean> {
  const body = await bodyOf(request);
  const state = (asked: unknown) => {
    const isReady = asked === readyToken;
    const readyAt = new Date(Date.now() + (isReady ? -1 : 3) * dayMs).toISOString();
    return { state: isReady ? "ready" : "waiting", readyAt };
  };
  switch (url.pathname) {
    case "/api/identity/recovery/begin":
      send(response, 200, { recovery: token, ...state(token) });
      return true;
    case "/api/identity/recovery/status":
      send(response, 200, state(at(body, "recovery")));
      return true;
    case "/api/identity/recovery/finish":
      send(response, 200, { enrolPath: madeUpInvitation("").enrolPath });
      return true;
    case "/api/identity/invitation/redeem": {
      const isRight = text(at(body, "code"))?.replaceAll("-", "") === "7K3QF9XWMA40";
      if (isRight) send(response, 200, { enrolPath: madeUpInvitation("").enrolPath });
      else send(response, 403, { type: "urn:phylax:problem:enrolment-link-refused", status: 403 });
      return true;
    }
    case "/consent/fixture/offer":
      send(response, 200, offer(clinic));
      return true;
    case "/consent/fixture/answer":
      clinic.consented = body;
      send(response, 200, { redirectTo: `${clinic.origin}/callback?error=access_denied` });
      return true;
    default:
      return false;
  }
}
