import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import type { EscrowDesk } from "#assembly/escrow/make.ts";
import type { Home } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";

/** The way of an escrow command to the keys process and to the log of a running deployment. */
export async function openEscrowDesk(
  home: Home,
  officer: string,
): Promise<EscrowDesk & { readonly close: () => Promise<void> }> {
  const operator = await openOperator(home, officer);
  return {
    keys: operator.keys,
    log: async (reasons) => {
      const answer = await operator.postJson("records", "/internal/keys/event", {
        action: "key-escrow",
        patient: null,
        reasons,
        count: 1,
        signal: null,
        actor: `operator:${officer}`,
      });
      return answer.ok ? ok(null) : answer;
    },
    random: systemRandom,
    clock: systemClock,
    close: () => operator.close(),
  };
}
