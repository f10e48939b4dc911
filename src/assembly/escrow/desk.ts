import { userInfo } from "node:os";
import { systemClock } from "#core/clock.ts";
import { connectPeer } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import { createKeyOperator } from "#keys/client.ts";
import { openAuthority } from "#assembly/authority.ts";
import type { EscrowDesk } from "#assembly/escrow/make.ts";
import type { Home } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";

/** The way of an escrow command to the keys process and to the log. */
export async function openEscrowDesk(
  home: Home,
): Promise<EscrowDesk & { readonly close: () => Promise<void> }> {
  const authority = await openAuthority(home, systemClock, systemRandom);
  const keys = connectPeer({
    address: { kind: "unix", path: home.socket("keys") },
    identity: await authority.issueRole("operator"),
    role: "keys",
    connections: 1,
  });
  const operator = await openOperator(home);
  return {
    keys: createKeyOperator(keys),
    log: async (reasons) => {
      const answer = await operator.postJson("records", "/internal/keys/event", {
        action: "key-escrow",
        patient: null,
        reasons,
        count: 1,
        signal: null,
        actor: `operator:${userInfo().username}`,
      });
      return answer.ok ? ok(null) : answer;
    },
    random: systemRandom,
    clock: systemClock,
    close: async () => {
      await Promise.all([keys.close(), operator.close()]);
    },
  };
}
