import { randomBytes } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Clinic } from "./clinic.ts";
import { at, text } from "../src/fhir/json.ts";
import { account } from "./account.ts";
import { administration } from "./administration.ts";
import { entry } from "./entry.ts";
import { newPasskeyOptions } from "./passkey-options.ts";
import { bodyOf, send } from "./records.ts";

/** Made-up secrets of a clinic that never was. */
export const fixtureLogin = { login: "ana", password: "correct horse", code: "123456" } as const;

/**
 * Plays the identity service: same addresses and shapes, no checks but those that decide which page
 * comes next. Signatures are random bytes.
 */
export function fixtureIdentity(clinic: Clinic): RequestListener {
  return (request, response) => {
    void answer(clinic, request, response);
  };
}

async function answer(
  clinic: Clinic,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", clinic.origin);
  const fault = clinic.faults.get(url.pathname);
  if (fault !== undefined) {
    sendProblem(response, fault.status, fault.code);
    return;
  }
  if (url.pathname === "/oauth/authorize") return authorize(clinic, url, response);
  if (url.pathname.startsWith("/oauth/authorize/")) return comeBack(clinic, response);
  if (url.pathname === "/oauth/token") return grant(clinic, response);
  if (url.pathname.startsWith("/sign-in/")) return signIn(clinic, url, request, response);
  if (url.pathname.startsWith("/api/identity/enrol/")) return enrol(clinic, url, response);
  if (/^\/(?:consent|api\/identity\/(?:recovery|invitation))\//.test(url.pathname)) {
    if (!(await entry(clinic, { url, request }, response))) sendProblem(response, 404, "not-found");
    return;
  }
  if (url.pathname === "/api/identity/offline-lease") {
    const asked = text(at(await bodyOf(request), "lease"));
    const { lease } = clinic.account;
    send(response, 200, { ended: lease === null || lease.id !== asked || lease.isEnded });
    return;
  }
  if (request.headers.authorization !== `DPoP ${clinic.accessToken}`) {
    return sendProblem(response, 401, "session-ended");
  }
  if (url.pathname === "/api/identity/me") return send(response, 200, clinic.me);
  if (url.pathname.startsWith("/api/identity/account"))
    return account(clinic, { url, request }, response);
  if (url.pathname.startsWith("/api/identity/admin/"))
    return administration({ url, request }, response);
  if (url.pathname === "/api/identity/sign-out") {
    clinic.isSignedIn = false;
    clinic.accessToken = randomBytes(16).toString("hex");
    response.writeHead(204).end();
    return undefined;
  }
  return sendProblem(response, 404, "not-found");
}

function sendProblem(response: ServerResponse, status: number, code: string): void {
  send(response, status, { type: `urn:phylax:problem:${code}`, title: code, status });
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(303, { location: to }).end();
}

function authorize(clinic: Clinic, url: URL, response: ServerResponse): void {
  const state = url.searchParams.get("state") ?? "";
  clinic.asked = { state };
  if (clinic.isSignedIn) return comeBack(clinic, response);
  if (url.searchParams.get("prompt") !== "none") return redirect(response, "/sign-in/fixture");
  const query = new URLSearchParams({ error: "login_required", state, iss: clinic.origin });
  return redirect(response, `/callback?${query.toString()}`);
}

function comeBack(clinic: Clinic, response: ServerResponse): void {
  clinic.isSignedIn = true;
  const { state } = clinic.asked;
  const query = new URLSearchParams({ code: "fixture-code", state, iss: clinic.origin });
  redirect(response, `/callback?${query.toString()}`);
}

function grant(clinic: Clinic, response: ServerResponse): void {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: clinic.origin,
    sub: clinic.me.account,
    aud: "phylax-portal",
    iat: now,
    exp: now + 300,
  };
  const signature = randomBytes(64).toString("base64url");
  send(response, 200, {
    access_token: clinic.accessToken,
    token_type: "DPoP",
    expires_in: 300,
    refresh_token: "fixture-refresh",
    id_token: `${part({ alg: "ES256" })}.${part(claims)}.${signature}`,
  });
}

async function signIn(
  clinic: Clinic,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const onward = { next: "redirect", redirectTo: `${clinic.origin}/oauth/authorize/fixture` };
  const body = await bodyOf(request);
  switch (url.pathname.split("/").slice(3).join("/")) {
    case "state":
      return send(response, 200, {
        client: "phylax-portal",
        prompt: "login",
        outside: clinic.outside,
        isBack: clinic.isBack,
      });
    case "outside/finish":
      return send(response, 200, { next: "approval", reference: "7Q4KZ0XM" });
    case "passkey/options":
      return send(response, 200, {
        challenge: randomBytes(32).toString("base64url"),
        rpId: "localhost",
        userVerification: "required",
        timeout: 60_000,
      });
    case "passkey/verify":
      return send(response, 200, onward);
    case "password":
      clinic.isPasswordRight =
        text(at(body, "login")) === fixtureLogin.login &&
        text(at(body, "password")) === fixtureLogin.password;
      return send(response, 200, { next: "totp" });
    case "totp":
      return clinic.isPasswordRight && text(at(body, "code")) === fixtureLogin.code
        ? send(response, 200, onward)
        : sendProblem(response, 401, "sign-in-failed");
    default:
      return sendProblem(response, 404, "not-found");
  }
}

function enrol(clinic: Clinic, url: URL, response: ServerResponse): void {
  if (url.pathname.endsWith("/finish")) return send(response, 200, { enrolled: true });
  const { displayName } = clinic.me;
  return send(response, 200, { displayName, options: newPasskeyOptions(displayName) });
}
