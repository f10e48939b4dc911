import type { Interaction, InteractionResults, Provider } from "oidc-provider";
import type { ClientFacts } from "#core/client-facts.ts";
import { toIso } from "#core/clock.ts";
import { parseAccountId, parseResourceId, type AccountId, type ResourceId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { ConsentDone, ConsentOffer, ConsentPatient } from "#core/wire.ts";
import type { Account, FindAccount } from "#identity/accounts/account.ts";
import { asksForPatient, askedOf, isNeeded, type Asked } from "#identity/apps/asked.ts";
import { grantMs, type AppGrants } from "#identity/apps/grants.ts";
import type { Launches } from "#identity/apps/launches.ts";
import { wordsOfScope } from "#identity/apps/scope-words.ts";
import { parseClientId, type Client } from "#identity/clients/client.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import type { ActedFor } from "#identity/people/grant.ts";
import type { Exchange, Interactions } from "#identity/sign-in/interaction.ts";
import type { Trail } from "#identity/trail.ts";

export interface ConsentDeps {
  readonly provider: Provider;
  readonly publicOrigin: string;
  readonly interactions: Pick<Interactions, "find">;
  readonly findAccount: FindAccount;
  /** The patients for whom the account may act now. */
  readonly actsFor: (account: AccountId) => Promise<readonly ActedFor[]>;
  readonly clients: Pick<ClientRegistry, "findApproved">;
  readonly grants: Pick<AppGrants, "put">;
  readonly launches: Launches;
  readonly trail: Trail;
}

/** One request of the consent page. */
export interface ConsentRequest {
  readonly exchange: Exchange;
  readonly uid: string;
  readonly body: JsonObject;
  readonly facts: ClientFacts;
}

export interface Consent {
  /** ConsentOffer of core/wire.ts. */
  offer(request: ConsentRequest): Promise<Answer>;
  /** Takes a ConsentAnswer, answers a ConsentDone: where the browser goes next. */
  answer(request: ConsentRequest): Promise<Answer>;
}

interface Waiting {
  readonly interaction: Interaction;
  readonly client: Client;
  readonly account: Account;
  /** Whom she is or acts for now, each by FHIR id, with the name where one is known. */
  readonly patients: ReadonlyMap<string, string | null>;
  readonly asked: Asked;
  /** From the chart that the app was opened from; null when it was not. */
  readonly launched: { readonly launch: string; readonly patient: ResourceId } | null;
}

const dayMs = 24 * 60 * 60_000;
const ownRoles: ReadonlySet<string> = new Set(["patient", "proxy"]);

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Her own charts; the first is hers by her name. */
const namedCharts = ({ patients, roles, displayName }: Account): [string, string | null][] =>
  patients.map((id, at) => [id, at === 0 && roles.includes("patient") ? displayName : null]);

/** What waits for an answer. Fails as "sign-in-expired", or as "parameter-invalid" for a launch that is not hers. */
async function findWaiting(
  { exchange, uid }: ConsentRequest,
  deps: ConsentDeps,
): Promise<Result<Waiting>> {
  const found = await deps.interactions.find(exchange, uid, "consent");
  if (!found.ok) return found;
  const interaction = found.value;
  const clientId = parseClientId(textOf(interaction.params["client_id"]));
  const accountId = parseAccountId(interaction.session?.accountId ?? "");
  const client = clientId === null ? null : await deps.clients.findApproved(clientId);
  const account = accountId === null ? null : await deps.findAccount(accountId);
  if (client === null || account === null) return refuse("sign-in-expired");
  const asked = askedOf(interaction.params["scope"], client);
  const others = await deps.actsFor(account.id);
  const patients = new Map<string, string | null>([
    ...namedCharts(account),
    ...others.map(({ patient, name }): [string, string | null] => [patient, name]),
  ]);
  const known = { interaction, client, account, patients, asked };
  const launch = interaction.params["launch"];
  if (launch === undefined) return ok({ ...known, launched: null });
  const launching = { account: account.id, client: client.id };
  const patient = await deps.launches.find(launching, textOf(launch));
  if (patient === null) return refuse("parameter-invalid", { at: "launch" });
  const launched = { launch: textOf(launch), patient };
  return ok({ ...known, launched });
}

function patientChoice({ asked, launched, account, patients: hers }: Waiting): ConsentPatient {
  if (!asksForPatient(asked)) return { kind: "none" };
  if (launched !== null) return { kind: "launched", id: launched.patient };
  if (account.roles.some((role) => !ownRoles.has(role))) return { kind: "name" };
  return { kind: "pick", patients: [...hers].map(([id, name]) => ({ id, name })) };
}

/** Where the person is sent back to: an address with a scheme of the app's own has no origin. */
function homeOf(redirectUri: string): string {
  const { origin, protocol } = new URL(redirectUri);
  return origin === "null" ? `${protocol}//` : origin;
}

function offerOf(waiting: Waiting): ConsentOffer {
  const { client, asked, interaction } = waiting;
  const scopes = [...asked.own, ...asked.data];
  const { state } = client;
  return {
    app: {
      name: client.name,
      home: homeOf(textOf(interaction.params["redirect_uri"])),
      approvedAt: state.status === "pending" ? "" : toIso(state.at),
      keepsKey: client.binding !== "bearer",
    },
    scopes: scopes.map((scope) => ({
      scope,
      words: wordsOfScope(scope),
      needed: isNeeded(scope),
    })),
    days: scopes.includes("offline_access") ? Math.floor(grantMs({ scopes }) / dayMs) : null,
    patient: patientChoice(waiting),
  };
}

/** The patient she names, or who is named by the launch. Fails as "parameter-invalid". */
function patientOf(waiting: Waiting, named: unknown): Result<ResourceId | null> {
  const choice = patientChoice(waiting);
  if (choice.kind === "none") return ok(null);
  if (choice.kind === "launched" && waiting.launched !== null) return ok(waiting.launched.patient);
  const patient = parseResourceId(textOf(named));
  const isHers = patient !== null && (choice.kind === "name" || waiting.patients.has(patient));
  return isHers ? ok(patient) : refuse("parameter-invalid", { at: "patient" });
}

/** What she lets it have of what it asked for. Fails as "parameter-invalid" when that is more, or nothing. */
function chosenOf({ asked }: Waiting, chosen: unknown): Result<Asked> {
  const all = [...asked.own, ...asked.data];
  const wrong = refuse("parameter-invalid", { at: "scopes" });
  if (!Array.isArray(chosen) || !chosen.every((scope) => all.includes(textOf(scope)))) return wrong;
  const keeps = (scope: string): boolean => isNeeded(scope) || chosen.includes(scope);
  const kept = { own: asked.own.filter(keeps), data: asked.data.filter(keeps) };
  return kept.own.length + kept.data.length > 0 ? ok(kept) : wrong;
}

/** The OpenID provider's record of it: what was asked and not given stands there as rejected, so that it does not ask again. */
async function saveGrant(waiting: Waiting, kept: Asked, deps: ConsentDeps): Promise<string> {
  const { account, client, interaction } = waiting;
  const grant = new deps.provider.Grant({ accountId: account.id, clientId: client.id });
  const fhirBase = `${deps.publicOrigin}/fhir`;
  const all = textOf(interaction.params["scope"]).split(" ");
  const given = new Set([...kept.own, ...kept.data]);
  const rejected = all.filter((scope) => !given.has(scope)).join(" ");
  if (kept.own.length > 0) grant.addOIDCScope(kept.own.join(" "));
  if (kept.data.length > 0) grant.addResourceScope(fhirBase, kept.data.join(" "));
  if (rejected !== "") {
    grant.rejectOIDCScope(rejected);
    grant.rejectResourceScope(fhirBase, rejected);
  }
  return grant.save();
}

export function createConsent(deps: ConsentDeps): Consent {
  const { provider, trail, grants, launches } = deps;
  const goOn = async (
    { exchange: { request, response } }: ConsentRequest,
    result: InteractionResults,
  ): Promise<Answer> => {
    const redirectTo = await provider.interactionResult(request, response, result, {
      mergeWithLastSubmission: true,
    });
    return answer({ redirectTo } satisfies ConsentDone);
  };
  const note = (request: ConsentRequest, { account, client }: Waiting, name: string) =>
    trail.note({
      action: "account-change",
      facts: request.facts,
      client: client.id,
      about: account.id,
      role: account.roles[0] ?? null,
      reasons: [name],
    });
  const allow = async (request: ConsentRequest, waiting: Waiting): Promise<Answer> => {
    const kept = chosenOf(waiting, request.body["scopes"]);
    if (!kept.ok) return problemAnswer(kept.problem);
    const patient = patientOf(waiting, request.body["patient"]);
    if (!patient.ok) return problemAnswer(patient.problem);
    const { launched } = waiting;
    if (launched !== null && !(await launches.take(launched.launch)))
      return problemAnswer(problem("parameter-invalid", { at: "launch" }));
    const unwritten = await note(request, waiting, "app-allowed");
    if (unwritten !== null) return problemAnswer(unwritten);
    const grant = await saveGrant(waiting, kept.value, deps);
    await grants.put({
      account: waiting.account.id,
      client: waiting.client.id,
      grant,
      scopes: [...kept.value.own, ...kept.value.data],
      patient: patient.value,
    });
    return goOn(request, { consent: { grantId: grant } });
  };
  return {
    offer: async (request) => {
      const waiting = await findWaiting(request, deps);
      return waiting.ok ? answer(offerOf(waiting.value)) : problemAnswer(waiting.problem);
    },
    answer: async (request) => {
      const waiting = await findWaiting(request, deps);
      if (!waiting.ok) return problemAnswer(waiting.problem);
      if (request.body["allow"] === true) return allow(request, waiting.value);
      if (request.body["allow"] !== false)
        return problemAnswer(problem("parameter-invalid", { at: "allow" }));
      const unwritten = await note(request, waiting.value, "app-refused");
      if (unwritten !== null) return problemAnswer(unwritten);
      const error_description = "the person did not let the app in";
      return goOn(request, { error: "access_denied", error_description });
    },
  };
}
