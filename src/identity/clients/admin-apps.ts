import { refuse } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import type { Act, Call, CallHandler, Calls } from "#identity/calls/calls.ts";
import { parseClientRequest } from "#identity/clients/client-request.ts";
import { clientView } from "#identity/clients/client-view.ts";
import { parseClientId, type Client } from "#identity/clients/client.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { Trail } from "#identity/trail.ts";

export interface AdminAppsDeps {
  /** Of administrators alone. */
  readonly calls: Calls;
  readonly clients: ClientRegistry;
  readonly trail: Trail;
}

/** What administrators do about apps and services; each answers clientView, `apps` `{ items }`. */
export interface AdminApps {
  readonly apps: CallHandler;
  /** Takes what parseClientRequest takes; the app waits until it is approved. */
  readonly registerApp: CallHandler;
  readonly approveApp: CallHandler;
  readonly revokeApp: CallHandler;
}

export function createAdminApps({ calls, clients, trail }: AdminAppsDeps): AdminApps {
  /** The entry of the call names the portal; this one names the app that it was about. */
  const told = async (call: Call, reason: string, done: Result<Client>): Promise<Answer> => {
    if (!done.ok) return problemAnswer(done.problem);
    const unwritten = await trail.note({
      action: "app-change",
      facts: call.request.facts,
      about: call.account.id,
      session: call.claims.session,
      device: call.claims.device,
      client: done.value.id,
      reasons: [reason],
    });
    return unwritten === null ? answer(clientView(done.value)) : problemAnswer(unwritten);
  };
  const decide = (action: "approve" | "revoke"): CallHandler => {
    const name = `app-${action}`;
    const act: Act = async (call) => {
      const id = parseClientId(call.request.id);
      const by = call.account.id;
      return told(call, name, id === null ? refuse("not-found") : await clients[action](id, by));
    };
    return calls.sensitive({ action: "app-change", name }, act);
  };
  return {
    apps: calls.read(async () => answer({ items: (await clients.list()).map(clientView) })),
    registerApp: calls.sensitive({ action: "app-change", name: "app-register" }, async (call) => {
      const wish = parseClientRequest(call.request.body);
      if (!wish.ok) return problemAnswer(wish.problem);
      const { id } = call.account;
      return told(call, "app-register", await clients.register(wish.value, { by: id, owner: id }));
    }),
    approveApp: decide("approve"),
    revokeApp: decide("revoke"),
  };
}
