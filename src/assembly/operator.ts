import { userInfo } from "node:os";
import type { Dispatcher } from "undici";
import { systemClock } from "#core/clock.ts";
import type { KeyOperator } from "#core/key-service.ts";
import { connectPeer } from "#core/net.ts";
import { parseProblemCode, problem, refuse, type Problem } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { createKeyOperator } from "#keys/client.ts";
import { operatorHeader } from "#records/operator.ts";
import { openAuthority } from "#assembly/authority.ts";
import type { Home } from "#assembly/home.ts";

/** An operator's way to the processes: whoever may read the home's CA key may prove the role "operator". */
export interface Operator {
  /** Who stands in the log as the actor. */
  readonly name: string;
  readonly keys: KeyOperator;
  /** Posts JSON and gives the parsed answer; a refusal keeps the other side's problem code as detail. */
  postJson(role: "identity" | "records", path: string, body: unknown): Promise<Result<unknown>>;
  /** Posts a body as it is and gives the answer's text. */
  post(
    role: "identity" | "records",
    path: string,
    contentType: string,
    body: string | Buffer,
  ): Promise<Result<string>>;
  close(): Promise<void>;
}

const answerMs = 120_000;

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** What the other side refused with: the code that its problem details (RFC 9457) name, else only the status. */
function refusalOf(role: string, status: number, text: string): Problem {
  const { type, detail } = jsonObject(text);
  const code =
    typeof type === "string" ? parseProblemCode(type.slice(type.lastIndexOf(":") + 1)) : null;
  if (code === null)
    return problem("upstream-unavailable", { detail: `${role} answered ${status}` });
  return problem(code, typeof detail === "string" ? { detail } : {});
}

/** The person at the keyboard as the machine knows them, in the letters that a name may have. */
export function operatorOfThisMachine(): string {
  return userInfo()
    .username.replaceAll(/[^A-Za-z0-9_.-]/g, "_")
    .slice(0, 64);
}

/** Connects when first used. `name` must have the form that records takes (records/operator.ts). */
export async function openOperator(
  home: Home,
  name: string = operatorOfThisMachine(),
): Promise<Operator> {
  const authority = await openAuthority(home, systemClock, systemRandom);
  const identity = await authority.issueRole("operator");
  const peers = {
    identity: connectPeer({
      address: { kind: "unix", path: home.socket("identity") },
      identity,
      role: "identity",
      connections: 2,
    }),
    records: connectPeer({
      address: { kind: "unix", path: home.socket("records") },
      identity,
      role: "records",
      connections: 4,
    }),
  };
  const keysPeer = connectPeer({
    address: { kind: "unix", path: home.socket("keys") },
    identity,
    role: "keys",
    connections: 4,
  });
  const post: Operator["post"] = async (role, path, contentType, body) => {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await peers[role].request({
        method: "POST",
        path,
        body,
        headers: { "content-type": contentType, [operatorHeader]: name },
        headersTimeout: answerMs,
        bodyTimeout: answerMs,
      });
    } catch {
      return refuse("upstream-unavailable", {
        detail: `${role} does not answer; is Phylax running? Start it with: npm start`,
      });
    }
    const text = await answer.body.text();
    return answer.statusCode < 300 ? ok(text) : failed(refusalOf(role, answer.statusCode, text));
  };
  return {
    name,
    keys: createKeyOperator(keysPeer),
    post,
    postJson: async (role, path, body) => {
      const answer = await post(role, path, "application/json", JSON.stringify(body));
      return answer.ok ? ok(JSON.parse(answer.value) as unknown) : answer;
    },
    close: async () => {
      await Promise.all([peers.identity.close(), peers.records.close(), keysPeer.close()]);
    },
  };
}
