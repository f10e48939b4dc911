import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { SignedIn } from "./client.ts";

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

interface RawOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A client that sees bytes and holds the connection in its own hands, as curl does. */
export interface RawClient {
  ask(who: SignedIn, method: string, path: string, options?: RawOptions): Promise<RawAnswer>;
  /** The answer begun and not yet read; whoever asked may leave in the middle. */
  begin(who: SignedIn, method: string, path: string): Promise<IncomingMessage>;
  /** The request begun: its body is still to be sent. */
  open(
    who: SignedIn,
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): ClientRequest;
  close(): void;
}

export async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of answer) if (Buffer.isBuffer(part)) parts.push(part);
  return Buffer.concat(parts);
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  // A server that has answered need not read what is still being sent. Until then, `once` throws.
  sent.on("error", () => {});
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return answer;
}

export function rawClient(origin: string, authority: string): RawClient {
  const agent = new Agent({ ca: authority, keepAlive: true });
  const open: RawClient["open"] = ({ token, key }, method, path, headers) =>
    request(`${origin}${path}`, {
      agent,
      method,
      headers: {
        authorization: `DPoP ${token}`,
        dpop: key.proof(method, `${origin}${path}`, token),
        ...headers,
      },
    });
  return {
    open,
    begin: (who, method, path) => answerTo(open(who, method, path, {}).end()),
    ask: async (who, method, path, { headers = {}, body } = {}) => {
      const length =
        body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const sent = open(who, method, path, { ...length, ...headers });
      const answer = await answerTo(sent.end(body));
      const got = await bytesOf(answer);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: got };
    },
    close: () => agent.destroy(),
  };
}
