import { createSigner } from "#audit/note.ts";
import { createLog } from "#audit/log.ts";
import { connectPeer, listenMutual, peerRole } from "#core/net.ts";
import { ok, type Result } from "#core/result.ts";
import { acceptedCallers } from "#core/roles.ts";
import { createKeyClient } from "#keys/client.ts";
import { openPolicyWatch, type PolicyWatch } from "#policy/policy-watch.ts";
import { createRecords, type Records, type RecordsDeps } from "#records/records.ts";
import { openDatabase } from "#storage/database.ts";
import { createVault } from "#vault/vault.ts";
import { connectionOf } from "#assembly/database.ts";
import { logOrigin, logPrivateKey } from "#assembly/log-keys.ts";
import { policyTexts, readOwnPoliciesOf } from "#assembly/policies.ts";
import type { RoleContext, RoleStarter } from "#assembly/role-process.ts";
import { openUpstream } from "#assembly/upstream.ts";
import { productVersion } from "#assembly/version.ts";

const maxConnections = 12;
/** The log's own: a flush never waits for connections that readers hold. */
const maxLogConnections = 3;

const policyLookMs = 2_000;

/** Looks at the operator's policies every two seconds, one look after the other. */
function watching(
  policies: PolicyWatch,
  { event }: Pick<RoleContext, "event">,
): NonNullable<RecordsDeps["watchPolicies"]> {
  return (tell) => {
    let isLooking = false;
    const look = async (): Promise<void> => {
      if (isLooking) return;
      isLooking = true;
      try {
        await policies.look((change) => {
          event("policies", { ...change });
          return tell(change);
        });
      } catch {
        event("policies-not-looked-at", {});
      } finally {
        isLooking = false;
      }
    };
    const timer = setInterval(() => void look(), policyLookMs);
    return () => clearInterval(timer);
  };
}

/**
 * The door, the vault, the log and the store of the records process, without its socket. Each copy
 * of the process has a log of its own, by its origin.
 */
export async function openRecords(
  context: Omit<RoleContext, "environment"> &
    Pick<RoleContext["environment"], "keysGraceMs" | "emergency" | "brakeShare">,
  peerOf: RecordsDeps["peerOf"],
  origin = logOrigin(context.settings, "records"),
): Promise<Result<Records>> {
  const { home, settings, site, identity, clock, random, event } = context;
  const onFault: RecordsDeps["onFault"] = (fault) => event("fault", { ...fault });
  const behind = await openUpstream(home, onFault);
  if (!behind.ok) return behind;
  const product = await policyTexts();
  if (!product.ok) return product;
  const readOwn = readOwnPoliciesOf(home);
  const policies = await openPolicyWatch({ product: product.value, readOwn });
  if (!policies.ok) return policies;
  const { tenant } = settings;
  const db = openDatabase({
    connection: connectionOf(home, "phylax_records"),
    tenant,
    maxConnections,
  });
  const logDb = openDatabase({
    connection: connectionOf(home, "phylax_records"),
    tenant,
    maxConnections: maxLogConnections,
  });
  const keysPeer = connectPeer({
    address: { kind: "unix", path: home.socket("keys") },
    identity,
    role: "keys",
    connections: 4,
  });
  const identityPeer = connectPeer({
    address: { kind: "unix", path: home.socket("identity") },
    identity,
    role: "identity",
    connections: 1,
  });
  const records = await createRecords({
    db,
    tenant,
    clock,
    random,
    publicOrigin: site.publicOrigin,
    version: productVersion(),
    authorizer: policies.value.authorizer,
    watchPolicies: watching(policies.value, context),
    emergency: context.emergency,
    brakeShare: context.brakeShare,
    logOrigin: origin,
    openLog: (works) =>
      createLog({
        db: logDb,
        origin,
        signer: createSigner(logPrivateKey(home, "records"), origin),
        clock,
        random,
        ...works,
      }),
    openVault: async (onKeys, onSignal) => {
      const vault = await createVault({
        db,
        keys: createKeyClient(keysPeer, onSignal),
        tenant,
        random,
        clock,
        onKeys,
        graceMs: context.keysGraceMs,
        onHealth: (health) => {
          event("keys-health", { health });
          context.keysHealth(health);
        },
      });
      if (vault.ok) context.keysHealth(vault.value.health());
      return vault;
    },
    fetchJwks: async () => {
      const { body } = await identityPeer.request({ method: "GET", path: "/oauth/jwks" });
      return body.json();
    },
    upstream: behind.value?.upstream ?? null,
    peerOf,
    onFault,
  });
  if (!records.ok) return records;
  return ok({
    handler: records.value.handler,
    close: async () => {
      await records.value.close();
      await Promise.all([keysPeer.destroy(), identityPeer.destroy(), behind.value?.close()]);
      await Promise.all([db.close(), logDb.close()]);
    },
  });
}

/** The records process: its door behind one mutual TLS socket. */
export const startRecords: RoleStarter = async (context) => {
  const records = await openRecords({ ...context, ...context.environment }, peerRole);
  if (!records.ok) return records;
  const { home, identity } = context;
  const listener = await listenMutual({
    address: { kind: "unix", path: home.socket("records") },
    identity,
    accepts: acceptedCallers.records,
    handler: records.value.handler,
  });
  return ok({
    renew: () => listener.renew(identity),
    close: async () => {
      await listener.close();
      await records.value.close();
    },
  });
};
