import { createLog } from "#audit/log.ts";
import { createSigner } from "#audit/note.ts";
import type { KeyService } from "#core/key-service.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import { connectPeer, listenMutual, peerRole } from "#core/net.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { acceptedCallers } from "#core/roles.ts";
import { createIdentity } from "#identity/identity.ts";
import { findSecret, offerSecret } from "#identity/secret-store.ts";
import { createKeyClient } from "#keys/client.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { createSealer, type Sealer } from "#vault/sealer.ts";
import { readAttestationRoots } from "#assembly/attestation-roots.ts";
import { connectionOf } from "#assembly/database.ts";
import { readDeviceAuthority } from "#assembly/device-authority.ts";
import { readDeviceManagers } from "#assembly/device-managers.ts";
import { logOrigin, logPrivateKey } from "#assembly/log-keys.ts";
import { openOutside } from "#assembly/outside.ts";
import type { RoleContext, RoleStarter } from "#assembly/role-process.ts";

const maxConnections = 8;
const maxLogConnections = 2;

/** Identity's own data key lies wrapped beside its secrets; only the keys process can open it. */
const wrappedKeyName = "wrapped-key";

async function wrappedKey(
  db: Database,
  keys: KeyService,
  tenant: string,
): Promise<Result<WrappedKey>> {
  const stored = await findSecret(db, wrappedKeyName);
  if (stored !== null) return ok(JSON.parse(stored.toString("utf8")) as WrappedKey);
  const generated = await keys.generate(tenant, [{ compartment: "identity", dekVersion: 1 }]);
  if (!generated.ok) return generated;
  const [made] = generated.value;
  invariant(made !== undefined, "one key was asked for and one was made");
  made.key.fill(0);
  await offerSecret(db, wrappedKeyName, Buffer.from(JSON.stringify(made.wrapped)));
  // Another copy of this process may have been first: what is stored counts.
  return wrappedKey(db, keys, tenant);
}

async function openSealer(
  db: Database,
  keys: KeyService,
  { settings, random, clock }: RoleContext,
): Promise<Result<Sealer>> {
  const wrapped = await attempt(() => wrappedKey(db, keys, settings.tenant));
  if (!wrapped.ok) return wrapped;
  if (!wrapped.value.ok) return wrapped.value;
  const unwrapped = await keys.unwrap([wrapped.value.value]);
  if (!unwrapped.ok) return unwrapped;
  const [key] = unwrapped.value;
  if (key?.ok !== true)
    return refuse("key-unavailable", { detail: "identity's own key does not unwrap" });
  return ok(createSealer({ key: key.key, random, clock, pid: () => process.pid }));
}

/** The identity process: accounts, sign-in, sessions and tokens, with its own log and its own key. */
export const startIdentity: RoleStarter = async (context) => {
  const { home, settings, environment, site, identity, clock, random, event } = context;
  const connection = connectionOf(home, "phylax_identity");
  const { tenant } = settings;
  const db = openDatabase({ connection, tenant, maxConnections });
  const logDb = openDatabase({ connection, tenant, maxConnections: maxLogConnections });
  const keysPeer = connectPeer({
    address: { kind: "unix", path: home.socket("keys") },
    identity,
    role: "keys",
    connections: 2,
  });
  const sealer = await openSealer(db, createKeyClient(keysPeer), context);
  if (!sealer.ok) return sealer;
  const origin = logOrigin(settings, "identity");
  const log = await createLog({
    db: logDb,
    origin,
    signer: createSigner(logPrivateKey(home, "identity"), origin),
    clock,
    random,
  });
  if (!log.ok) return log;
  const running = await createIdentity({
    db,
    clock,
    random,
    event,
    log: log.value,
    sealer: sealer.value,
    publicOrigin: site.publicOrigin,
    tenant: settings.tenant,
    peerOf: peerRole,
    rpName: "Phylax",
    parentEndsAtAge: context.environment.parentEndsAtAge,
    openOutside,
    deviceAuthority: readDeviceAuthority(home),
    deviceManagers: readDeviceManagers(home, event),
    attestationRoots: readAttestationRoots(home, event),
    logOff: environment.logOff,
    recoveryWaits: environment.recoveryWaits,
  });
  if (!running.ok) return running;
  const listener = await listenMutual({
    address: { kind: "unix", path: home.socket("identity") },
    identity,
    accepts: acceptedCallers.identity,
    handler: running.value.handler,
  });
  return ok({
    renew: () => listener.renew(identity),
    close: async () => {
      running.value.endStreams();
      await listener.close();
      await running.value.close();
      await log.value.close();
      await keysPeer.destroy();
      await Promise.all([db.close(), logDb.close()]);
    },
  });
};
