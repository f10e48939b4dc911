import { existsSync } from "node:fs";
import { listenMutual, peerHost, peerRole } from "#core/net.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { acceptedCallers } from "#core/roles.ts";
import type { RecordUse } from "#keys/desk.ts";
import { sealForEscrow } from "#keys/escrow.ts";
import { openKeyGuard } from "#keys/guard.ts";
import type { KeyUse } from "#keys/key-use.ts";
import { openKeyHome } from "#keys/keys.ts";
import { readKmsConfig, type KmsConfig } from "#keys/kms/config.ts";
import { createKeysServer } from "#keys/server.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
import type { Environment } from "#assembly/environment.ts";
import type { RoleContext, RoleStarter } from "#assembly/role-process.ts";
import { passphraseReader } from "#assembly/root-key.ts";

/** The key log has every use; the operational log only what somebody should look into. */
function tell(
  event: RoleContext["event"],
  { action, caller, outcome }: KeyUse,
  told: Awaited<ReturnType<RecordUse>>,
): void {
  const facts = { action, who: caller.role, host: caller.host, outcome };
  if (!told.ok) event("key-log-not-written", facts);
  else for (const signal of told.value) event("key-signal", { ...facts, signal });
}

/** The KMS of a home that is made now, as the operator's file names it. */
async function chosenKms({ kmsFile }: Environment): Promise<Result<KmsConfig | null>> {
  if (kmsFile === null) return ok(null);
  if (!existsSync(kmsFile))
    return refuse("root-key-refused", {
      detail: `PHYLAX_KMS_FILE names ${kmsFile}, which is not there`,
    });
  return readKmsConfig(kmsFile);
}

/** The keys process: root key and key ring from the home, no database. */
export const startKeys: RoleStarter = async ({
  home,
  environment,
  identity,
  clock,
  random,
  event,
}) => {
  const choice = await chosenKms(environment);
  if (!choice.ok) return choice;
  const opened = await openKeyHome({
    folder: home.file("keys"),
    choice: choice.value,
    passphrase: passphraseReader(home, environment, random),
    random,
    clock,
    tools: kmsTools,
  });
  if (!opened.ok) return opened;
  const guard = await openKeyGuard({
    folder: home.file("keys"),
    clock,
    onTrouble: (name) => event(name),
  });
  if (!guard.ok) return guard;
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
      ...guard.value,
      record: async (use) => {
        const told = await guard.value.record(use);
        tell(event, use, told);
        return told;
      },
    }),
  });
  return ok({
    renew: () => listener.renew(identity),
    close: async () => {
      await listener.close();
      await guard.value.close();
      await opened.value.keeper.close();
    },
  });
};
