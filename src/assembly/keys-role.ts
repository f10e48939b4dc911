import { listenMutual, peerHost, peerRole } from "#core/net.ts";
import { ok } from "#core/result.ts";
import { acceptedCallers } from "#core/roles.ts";
import { sealForEscrow } from "#keys/escrow.ts";
import { openKeyHome } from "#keys/keys.ts";
import { createKeysServer } from "#keys/server.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
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
  const opened = await openKeyHome({
    folder: home.file("keys"),
    choice: null,
    passphrase: () => {
      const secret = rootPassphrase(home, environment, random);
      return secret.ok ? ok(secret.value.passphrase) : secret;
    },
    random,
    clock,
    tools: kmsTools,
  });
  if (!opened.ok) return opened;
  const listener = await listenMutual({
    address: { kind: "unix", path: home.socket("keys") },
    identity,
    accepts: acceptedCallers.keys,
    handler: createKeysServer({
      ...opened.value,
      sealForEscrow,
      peerOf: peerRole,
      hostOf: peerHost,
      random,
      brake: () => ({ pass: true, signals: [] }),
      head: () => ({ lines: 0, hash: Buffer.alloc(32).toString("base64url") }),
      record: async ({ action, caller, outcome, given, refused }) => {
        const facts = { action, who: caller.role, host: caller.host, outcome };
        event("keys-used", { ...facts, given: given.length, refused: refused.length });
        return ok(null);
      },
    }),
  });
  return ok({ renew: () => listener.renew(identity), close: () => listener.close() });
};
