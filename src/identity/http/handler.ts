import type { IncomingMessage, ServerResponse } from "node:http";
import {
  clientFactHeaders,
  parseClientCertificate,
  parseClientFacts,
  type ClientFacts,
} from "#core/client-facts.ts";
import type { Handler } from "#core/net.ts";
import { problem } from "#core/problem.ts";
import { unreachable } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import type { RegisterClient } from "#identity/clients/dynamic-registration.ts";
import type { Consent } from "#identity/apps/consent.ts";
import type { OperatorApps } from "#identity/clients/operator-apps.ts";
import type { TokenRequest } from "#identity/calls/admit.ts";
import type { CallHandler } from "#identity/calls/calls.ts";
import type { OperatorDevices } from "#identity/devices/operator-devices.ts";
import type { TakePosture } from "#identity/devices/posture.ts";
import type { Enrolment } from "#identity/enrolment/enrolment.ts";
import type { Event } from "#identity/event.ts";
import { answer, problemAnswer, send, type Answer } from "#identity/http/answer.ts";
import { readJson, type JsonObject } from "#identity/http/body.ts";
import { findTarget, type CallName, type Target } from "#identity/http/routes.ts";
import { queryOf, type EndSession } from "#identity/oidc/end-session.ts";
import type { OperatorAccounts } from "#identity/operator/accounts.ts";
import type { OperatorPeople } from "#identity/operator/people.ts";
import { outsideLimits } from "#identity/outside/limits.ts";
import type { OutsideOperator } from "#identity/outside/operator.ts";
import type { OutsideSignIn } from "#identity/outside/outside-sign-in.ts";
import type { Kiosk } from "#identity/kiosk/kiosk.ts";
import type { AskLease } from "#identity/offline/leases.ts";
import type { Letters } from "#identity/recovery/letters.ts";
import type { Recovery } from "#identity/recovery/recovery.ts";
import type { Invitations } from "#identity/people/invitation.ts";
import type { Revocations } from "#identity/sessions/revocations.ts";
import type { SignIn } from "#identity/sign-in/sign-in.ts";
import { storageProblem } from "#storage/storage-problem.ts";

export interface HandlerDeps {
  /** The OpenID provider library; it answers errors itself and never rejects. */
  readonly library: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly publicOrigin: string;
  /** The role that the caller's certificate names. */
  readonly peerOf: (request: IncomingMessage) => ProcessRole | null;
  readonly event: Event;
  readonly smartConfiguration: unknown;
  /** Our public keys as a JWK Set, for the records process to check tokens by. */
  readonly publicKeys: unknown;
  readonly signIn: SignIn;
  readonly consent: Consent;
  readonly enrolment: Enrolment;
  readonly invitations: Invitations;
  readonly kiosk: Kiosk;
  readonly calls: Readonly<Record<CallName, CallHandler>>;
  readonly recovery: Recovery;
  readonly letters: Letters;
  readonly endSession: EndSession;
  readonly followRevocations: Revocations["follow"];
  readonly operatorAccounts: OperatorAccounts;
  readonly operatorApps: OperatorApps;
  readonly operatorDevices: OperatorDevices;
  readonly operatorPeople: OperatorPeople;
  readonly outside: OutsideSignIn;
  readonly outsideOperator: OutsideOperator;
  readonly registerClient: RegisterClient;
  readonly takePosture: TakePosture;
  readonly askLease: AskLease;
  /** Takes `{ atOnce? }`: a new signing key (signing/rotation.ts). */
  readonly rotateKeys: (body: JsonObject) => Promise<Answer>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly facts: ClientFacts;
}

async function withBody(
  request: IncomingMessage,
  act: (body: JsonObject) => Promise<Answer>,
): Promise<Answer> {
  const body = await readJson(request);
  return body.ok ? act(body.value) : problemAnswer(body.problem);
}

/** A page of another site cannot make the browser send our paths its own requests. */
function isForeign({ headers }: IncomingMessage, publicOrigin: string): boolean {
  return headers.origin !== undefined && headers.origin !== publicOrigin;
}

function tokenRequest({ request, path, facts }: Call): TokenRequest {
  const proofs = request.headersDistinct["dpop"] ?? [];
  return {
    method: request.method ?? "",
    path,
    authorization: request.headers.authorization,
    proof: proofs.length === 1 ? proofs[0] : undefined,
    facts,
    certificate: parseClientCertificate(request.headers),
  };
}

const bodyMethods: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** A call without a body is one whose every member is absent. */
async function serveCall(
  deps: HandlerDeps,
  { name, id }: Extract<Target, { kind: "call" }>,
  call: Call,
): Promise<Answer> {
  const asked = { ...tokenRequest(call), id };
  const { headers, method = "" } = call.request;
  const isEmpty = headers["content-length"] === undefined || headers["content-length"] === "0";
  if (!bodyMethods.has(method) || (isEmpty && headers["transfer-encoding"] === undefined))
    return deps.calls[name]({ ...asked, body: {} });
  return withBody(call.request, (body) => deps.calls[name]({ ...asked, body }));
}

/**
 * OpenID Connect Core §11 has a client that asks for offline_access ask for consent as well, which
 * the library insists on and apps for SMART leave out. Another's app is always asked about, anyway.
 */
function withConsentAsked(url: string): string {
  const at = url.indexOf("?");
  const asked = new URLSearchParams(at === -1 ? "" : url.slice(at + 1));
  const isOffline = asked.get("scope")?.split(" ").includes("offline_access") === true;
  return isOffline && !asked.has("prompt") ? `${url}&prompt=consent` : url;
}

/** The library makes its addresses from these headers: ours alone count, whatever was sent. */
function handToLibrary(
  { library, publicOrigin }: HandlerDeps,
  { request, response, path }: Call,
): void {
  const { headers } = request;
  delete headers.forwarded;
  delete headers["x-forwarded-for"];
  headers["x-forwarded-proto"] = "https";
  headers["x-forwarded-host"] = new URL(publicOrigin).host;
  if (path === "/oauth/authorize") request.url = withConsentAsked(request.url ?? "");
  void library(request, response);
}

function redirect(response: ServerResponse, to: string): null {
  response.statusCode = 303;
  response.setHeader("cache-control", "no-store");
  response.setHeader("location", to);
  response.end();
  return null;
}

async function endSession(deps: HandlerDeps, call: Call): Promise<Answer | null> {
  const { request, response, facts } = call;
  const done = await deps.endSession({ request, response }, queryOf(request), facts);
  if ("problem" in done) return problemAnswer(done.problem);
  return redirect(response, done.redirectTo);
}

async function takeOutside(
  { outside }: HandlerDeps,
  provider: string,
  { request, response }: Call,
): Promise<Answer | null> {
  if ((request.url ?? "").length > outsideLimits.queryChars)
    return problemAnswer(problem("url-too-long"));
  return redirect(response, await outside.take({ request, response }, provider, queryOf(request)));
}

/** Null when the answer was sent already. */
async function serve(deps: HandlerDeps, target: Target, call: Call): Promise<Answer | null> {
  const { request, response, facts } = call;
  switch (target.kind) {
    case "oidc":
      handToLibrary(deps, call);
      return null;
    case "smart-configuration":
      return answer(deps.smartConfiguration);
    case "end-session":
      return endSession(deps, call);
    case "sign-in": {
      const { uid, action } = target;
      const step = { exchange: { request, response }, uid, facts };
      if (action === "state") return deps.signIn(action, { ...step, body: {} });
      return withBody(request, (body) => deps.signIn(action, { ...step, body }));
    }
    case "consent": {
      const { uid, step } = target;
      const asked = { exchange: { request, response }, uid, facts };
      if (step === "offer") return deps.consent.offer({ ...asked, body: {} });
      return withBody(request, (body) => deps.consent.answer({ ...asked, body }));
    }
    case "enrol":
      return withBody(request, (body) => deps.enrolment[target.step](body, facts));
    case "recovery":
      return withBody(request, (body) => deps.recovery[target.step](body, facts));
    case "redeem":
      return withBody(request, (body) => deps.invitations.redeem(body, facts));
    case "call":
      return serveCall(deps, target, call);
    case "kiosk":
      return deps.kiosk[target.step](tokenRequest(call));
    case "outside-callback":
      return takeOutside(deps, target.provider, call);
    case "device-posture":
      return withBody(request, (body) => deps.takePosture(body, facts));
    case "offline-lease":
      return withBody(request, (body) => deps.askLease(body));
    case "register-client":
      return withBody(request, (body) => deps.registerClient(body, facts));
    case "revocations":
    case "operator":
    case "operator-apps":
    case "operator-devices":
    case "operator-people":
    case "operator-outside":
    case "operator-keys":
    case "operator-letters":
      return problemAnswer(problem("forbidden"));
    default:
      return unreachable(target);
  }
}

async function serveGateway(
  deps: HandlerDeps,
  target: Target,
  call: Omit<Call, "facts">,
): Promise<Answer | null> {
  if (target.kind === "revocations") {
    deps.followRevocations(call.request, call.response);
    return null;
  }
  const facts = parseClientFacts(call.request.headers);
  if (facts === null) return problemAnswer(problem("forbidden"));
  const isForApps = target.kind === "oidc" || target.kind === "smart-configuration";
  if (!isForApps && isForeign(call.request, deps.publicOrigin))
    return problemAnswer(problem("forbidden"));
  return serve(deps, target, { ...call, facts });
}

/** The records process checks our tokens and needs nothing else of us. */
function serveRecords({ publicKeys }: HandlerDeps, { method, url }: IncomingMessage): Answer {
  const isOurs = method === "GET" && url === "/oauth/jwks";
  return isOurs ? answer(publicKeys) : problemAnswer(problem("forbidden"));
}

/** Operators' commands, each a POST of JSON. */
async function serveOperator(
  deps: HandlerDeps,
  target: Target,
  request: IncomingMessage,
): Promise<Answer> {
  if (target.kind === "operator")
    return withBody(request, (body) => deps.operatorAccounts[target.action](body));
  if (target.kind === "operator-letters") return deps.letters();
  if (target.kind === "operator-apps")
    return withBody(request, (body) => deps.operatorApps[target.action](body));
  if (target.kind === "operator-devices")
    return withBody(request, (body) => deps.operatorDevices[target.action](body));
  if (target.kind === "operator-people")
    return withBody(request, (body) => deps.operatorPeople[target.action](body));
  if (target.kind === "operator-outside")
    return withBody(request, (body) => deps.outsideOperator[target.action](body));
  if (target.kind === "operator-keys") return withBody(request, deps.rotateKeys);
  return problemAnswer(problem("forbidden"));
}

async function route(
  deps: HandlerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | null> {
  const role = deps.peerOf(request);
  if (role === "records") return serveRecords(deps, request);
  if (role !== "gateway" && role !== "operator") return problemAnswer(problem("forbidden"));
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const found = findTarget(request.method ?? "", path);
  if (!found.ok) return problemAnswer(problem(found.code));
  const { target } = found;
  if (role === "gateway") return serveGateway(deps, target, { request, response, path });
  return serveOperator(deps, target, request);
}

function faultAnswer(error: unknown, event: Event): Answer {
  const code = storageProblem(error);
  if (code !== null) return problemAnswer(problem(code));
  event("identity-fault", { name: error instanceof Error ? error.name : "unknown" });
  return problemAnswer(problem("unexpected"));
}

/** Serves the identity process: public paths for the gateway, /internal/ for operators. */
export function createHandler(deps: HandlerDeps): Handler {
  return (request, response) => {
    const requestId = request.headers[clientFactHeaders.requestId];
    if (typeof requestId === "string") response.setHeader(clientFactHeaders.requestId, requestId);
    const serving = async (): Promise<void> => {
      const given = await route(deps, request, response).catch((error: unknown) =>
        faultAnswer(error, deps.event),
      );
      if (given !== null) send(response, given);
    };
    serving().catch(() => response.destroy());
  };
}
