import type { Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { displayNamePurpose } from "#identity/accounts/account.ts";
import { closeAccount, insertAccount } from "#identity/accounts/account-store.ts";
import {
  clientsOwnedBy,
  decideClient,
  endSessionsOfClient,
  findClient,
  insertClient,
  listClients,
} from "#identity/clients/client-store.ts";
import {
  parseClientId,
  type Client,
  type ClientId,
  type ClientWish,
} from "#identity/clients/client.ts";
import { sealText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import type { Database, Queryable } from "#storage/database.ts";

/** Who registers or decides: `by` is an account's id, "operator" or "itself". */
export interface Registrar {
  readonly by: string;
  /** The account that answers for the client; null when none does. */
  readonly owner: AccountId | null;
}

/** The clients that may ask for tokens, beside our own portal. */
export interface ClientRegistry {
  /** A client that may ask for tokens now; null when there is none, or it is pending or revoked. */
  findApproved(id: ClientId): Promise<Client | null>;
  find(id: ClientId): Promise<Client | null>;
  list(): Promise<readonly Client[]>;
  /** Stores it as pending: it can do nothing until approved. Fails as "rate-limited" when too many wait. */
  register(wish: ClientWish, registrar: Registrar): Promise<Result<Client>>;
  /** Fails as "not-found", or as "edit-conflict" when it is not pending. */
  approve(id: ClientId, by: string): Promise<Result<Client>>;
  /** For good, and at once: its sessions end with it. Fails as "not-found" or "edit-conflict". */
  revoke(id: ClientId, by: string): Promise<Result<Client>>;
  /** Revokes, within a transaction, all that the account answers for. */
  revokeOwnedBy(tx: Queryable, owner: AccountId, by: string): Promise<void>;
}

export interface RegistryDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
}

/** A backend service acts as itself: its account has the id that it has as a client. */
export function accountOfService(id: ClientId): AccountId {
  const account = parseAccountId(id);
  invariant(account !== null, "a client's id is a uuid");
  return account;
}

async function openAccount(tx: Queryable, client: Client, deps: RegistryDeps): Promise<void> {
  const id = accountOfService(client.id);
  const stored = await insertAccount(tx, {
    id,
    externalBlind: null,
    loginBlind: null,
    displayNameSealed: sealText(deps.sealer, displayNamePurpose(id), client.name),
    loginSealed: null,
    roles: ["service"],
    patients: [],
    practitioner: null,
    createdAt: deps.clock.now(),
    kind: "service",
    status: "active",
    departments: [],
    nameBlind: [],
  });
  invariant(stored, "the account of a client that was pending is there already");
}

async function endClient(
  tx: Queryable,
  id: ClientId,
  by: string,
  { clock }: RegistryDeps,
): Promise<boolean> {
  const at = clock.now();
  if (!(await decideClient(tx, { id, status: "revoked", by, at }))) return false;
  await endSessionsOfClient(tx, id, at);
  await closeAccount(tx, accountOfService(id));
  return true;
}

export function createClientRegistry(deps: RegistryDeps): ClientRegistry {
  const { db, clock, random } = deps;
  const decided = async (id: ClientId, done: boolean): Promise<Result<Client>> => {
    const client = await findClient(db, id);
    if (client === null) return refuse("not-found");
    return done ? ok(client) : refuse("edit-conflict");
  };
  return {
    find: (id) => findClient(db, id),
    findApproved: async (id) => {
      const client = await findClient(db, id);
      return client?.state.status === "approved" ? client : null;
    },
    list: () => listClients(db),
    register: async (wish, { by, owner }) => {
      const id = parseClientId(random.uuid());
      invariant(id !== null, "a fresh uuid is a client's id");
      const made = { ...wish, id, owner, registeredBy: by, registeredAt: clock.now() };
      const stored = await insertClient(db, made);
      return stored ? ok({ ...made, state: { status: "pending" } }) : refuse("rate-limited");
    },
    approve: async (id, by) => {
      const done = await db.transaction(async (tx) => {
        const at = clock.now();
        if (!(await decideClient(tx, { id, status: "approved", by, at }))) return false;
        const client = await findClient(tx, id);
        if (client?.kind === "backend") await openAccount(tx, client, deps);
        return true;
      });
      return decided(id, done);
    },
    revoke: async (id, by) =>
      decided(id, await db.transaction((tx) => endClient(tx, id, by, deps))),
    revokeOwnedBy: async (tx, owner, by) => {
      for (const id of await clientsOwnedBy(tx, owner)) await endClient(tx, id, by, deps);
    },
  };
}
