import { toIso } from "#core/clock.ts";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { AppLaunch, ConnectedApp, LaunchableApp } from "#core/wire.ts";
import type { AppGrants, ListedGrant } from "#identity/apps/grants.ts";
import type { Launches } from "#identity/apps/launches.ts";
import { wordsOfScope } from "#identity/apps/scope-words.ts";
import type { Call, CallHandler, Calls } from "#identity/calls/calls.ts";
import { parseClientId } from "#identity/clients/client.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { textOf } from "#identity/http/body.ts";

export interface AppCallDeps {
  readonly publicOrigin: string;
  readonly calls: Calls;
  readonly clients: Pick<ClientRegistry, "find" | "findApproved" | "list">;
  readonly grants: Pick<AppGrants, "list" | "end">;
  readonly launches: Pick<Launches, "begin">;
}

export interface AppCalls {
  /** `{ items: ConnectedApp[] }`: what apps the person let in, newest first. */
  readonly connectedApps: CallHandler;
  /** Cuts an app off: its tokens, sessions and codes end with the answer. */
  readonly cutOffApp: CallHandler;
  /** `{ items: LaunchableApp[] }`. */
  readonly launchableApps: CallHandler;
  /** Takes `{ app, patient }`, answers an AppLaunch: opens an app from a chart. */
  readonly launchApp: CallHandler;
}

const idChars = 64;

/** Whether she may open an app for this patient; staff for any, as reading is decided when it is read. */
function mayLaunchFor({ account, session }: Call, patient: ResourceId): boolean {
  const { patients, roles } = account;
  const isHers = patients.includes(patient) || session.actsFor.includes(patient);
  return isHers || roles.includes("clinician");
}

export function createAppCalls(deps: AppCallDeps): AppCalls {
  const { calls, clients, grants, launches } = deps;
  const shown = async (granted: ListedGrant): Promise<ConnectedApp> => {
    const id = parseClientId(granted.client);
    const client = id === null ? null : await clients.find(id);
    return {
      id: granted.id,
      clientName: client?.name ?? granted.client,
      scopes: granted.scopes.map((scope) => ({ scope, words: wordsOfScope(scope) })),
      patient: granted.patient,
      grantedAt: toIso(granted.grantedAt),
      lastUsedAt: granted.lastUsedAt === null ? null : toIso(granted.lastUsedAt),
      endsAt: toIso(granted.endsAt),
    };
  };
  return {
    connectedApps: calls.read(async ({ account }) => {
      const listed = await grants.list(account.id);
      return answer({ items: await Promise.all(listed.map(shown)) });
    }),
    cutOffApp: calls.end({ action: "account-change", name: "app-cut-off" }, async (call) => {
      // Ids are uuids; what is none cannot be one of hers.
      const id = parseClientId(call.request.id);
      const done = id !== null && (await grants.end(call.account.id, id));
      return done ? answer({ ended: true }) : problemAnswer(problem("not-found"));
    }),
    launchableApps: calls.read(async () => {
      const items = (await clients.list()).flatMap(({ id, name, state, launchUri }) =>
        state.status === "approved" && launchUri !== null
          ? [{ id, name } satisfies LaunchableApp]
          : [],
      );
      return answer({ items });
    }),
    launchApp: calls.change({ action: "account-change", name: "app-launched" }, async (call) => {
      const { account, request } = call;
      const patient = parseResourceId(textOf(request.body, "patient", idChars) ?? "");
      if (patient === null || !mayLaunchFor(call, patient))
        return problemAnswer(problem("parameter-invalid", { at: "patient" }));
      const id = parseClientId(textOf(request.body, "app", idChars) ?? "");
      const client = id === null ? null : await clients.findApproved(id);
      if (client === null || client.launchUri === null)
        return problemAnswer(problem("parameter-invalid", { at: "app" }));
      const url = new URL(client.launchUri);
      url.searchParams.set("iss", `${deps.publicOrigin}/fhir`);
      const launching = { account: account.id, client: client.id };
      url.searchParams.set("launch", await launches.begin(launching, patient));
      return answer({ url: url.href } satisfies AppLaunch);
    }),
  };
}
