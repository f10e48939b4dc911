import { createKeysServer } from "#keys/server.ts";
import { openKeyHome } from "#keys/keys.ts";
import { listenMutual, peerRole } from "#core/net.ts";
import { ok } from "#core/result.ts";
import { acceptedCallers } from "#core/roles.ts";
import type { RoleStarter } from "#assembly/role-process.ts";
import { rootPassphrase } from "#assembly/root-key.ts";

/** The keys process: root key and key ring from the home, no database. */
export const startKeys: RoleStarter = async ({
  home,
  environment,
  identity,
  clock,
  random,
  event,
}) => {
  const secret = rootPassphrase(home, environment, random);
  if (!secret.ok) return secret;
  const { passphrase } = secret.value;
  const ring = await openKeyHome({ folder: home.file("keys"), passphrase, random, clock });
  if (!ring.ok) return ring;
  const listener = await listenMutual({
    address: { kind: "unix", path: home.socket("keys") },
    identity,
    accepts: acceptedCallers.keys,
    handler: createKeysServer({
      ring: ring.value,
      peerOf: peerRole,
      random,
      onUse: (use) => event("keys-used", { ...use }),
    }),
  });
  return ok({ renew: () => listener.renew(identity), close: () => listener.close() });
};
