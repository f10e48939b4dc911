import { refuse, type Problem } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import { parseClientRequest } from "#identity/clients/client-request.ts";
import { clientView } from "#identity/clients/client-view.ts";
import { parseClientId, type Client, type ClientId } from "#identity/clients/client.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import type { Trail } from "#identity/trail.ts";

export interface OperatorAppsDeps {
  readonly clients: ClientRegistry;
  readonly trail: Trail;
}

export type OperatorAppsAction = "register" | "list" | "approve" | "revoke";

/** What operators' commands may ask about apps and services, by mutual TLS as role operator. */
export type OperatorApps = Readonly<
  Record<OperatorAppsAction, (body: JsonObject) => Promise<Answer>>
>;

const operator = "operator";

function idOf({ id }: JsonObject): ClientId | null {
  return typeof id === "string" ? parseClientId(id) : null;
}

/**
 * `register` takes what parseClientRequest takes and approves it at once, as the operator is who
 * decides; `approve` and `revoke` take `{ id }`; each answers the client, `list` `{ items }`.
 */
export function createOperatorApps({ clients, trail }: OperatorAppsDeps): OperatorApps {
  const noted = async (reason: string, done: Result<Client>): Promise<Answer> => {
    if (!done.ok) return problemAnswer(done.problem);
    const unwritten: Problem | null = await trail.note({
      action: "app-change",
      facts: null,
      actor: "process:operator",
      client: done.value.id,
      reasons: [reason],
    });
    return unwritten === null ? answer(clientView(done.value)) : problemAnswer(unwritten);
  };
  const decide = async (action: "approve" | "revoke", body: JsonObject): Promise<Answer> => {
    const id = idOf(body);
    const done = id === null ? refuse("not-found") : await clients[action](id, operator);
    return noted(action, done);
  };
  return {
    register: async (body) => {
      const wish = parseClientRequest(body);
      if (!wish.ok) return problemAnswer(wish.problem);
      const made = await clients.register(wish.value, { by: operator, owner: null });
      return noted("register", made.ok ? await clients.approve(made.value.id, operator) : made);
    },
    list: async () => answer({ items: (await clients.list()).map(clientView) }),
    approve: (body) => decide("approve", body),
    revoke: (body) => decide("revoke", body),
  };
}
