import type { IncomingMessage } from "node:http";
import type { AuditEntry } from "#core/audit-entry.ts";
import type { Instant } from "#core/clock.ts";
import type { Random } from "#core/random.ts";

/** Who works on the deployment, when and in which request: the same in every entry of it. */
export type Operator = Pick<AuditEntry, "time" | "actor" | "requestId">;

/** Header in which the operator's command names the person at the keyboard. */
export const operatorHeader = "phylax-operator";
export const operatorName = /^[A-Za-z0-9_.-]{1,64}$/;

/** The operator of a request whose certificate proved the role; the name is as the command has it. */
export function operatorOf(request: IncomingMessage, time: Instant, random: Random): Operator {
  const header = request.headers[operatorHeader];
  const named = typeof header === "string" && operatorName.test(header) ? header : "unnamed";
  return { time, actor: `operator:${named}`, requestId: random.uuid() };
}
