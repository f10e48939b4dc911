import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Agent } from "undici";
import type { KmsTools } from "#keys/kms/tools.ts";
import type { Cleanup } from "#keys/testing.ts";

export interface ServiceRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** How a fake key service behaves; "silent" takes a request and never answers. */
export type Mood = "well" | "silent" | "garbage" | "endless" | "error";

export interface FakeService {
  readonly origin: string;
  readonly requests: readonly ServiceRequest[];
  mood: Mood;
  /** Sends every connection here, whatever host and scheme it is meant for. */
  readonly tools: KmsTools;
  /** Stops listening: from then on connections are refused. */
  stop(): Promise<void>;
}

/** A key service on the loopback, over plain HTTP. */
export async function fakeService(
  t: Cleanup,
  answer: (request: ServiceRequest) => ServiceAnswer,
): Promise<FakeService> {
  const requests: ServiceRequest[] = [];
  const server = createServer((request, response) => {
    void take(request).then((taken) => {
      requests.push(taken);
      return respond(service.mood, response, () => answer(taken));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({
    connect: (_options, done) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => done(null, socket));
      socket.once("error", (error) => done(error, null));
    },
  });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  t.after(async () => {
    await stop();
    await agent.destroy();
  });
  const service: FakeService = {
    origin: `http://127.0.0.1:${port}`,
    requests,
    mood: "well",
    tools: {
      connect: () => agent,
      run: () => Promise.resolve({ end: "missing" }),
    },
    stop,
  };
  return service;
}

async function take(request: IncomingMessage): Promise<ServiceRequest> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const text = Buffer.concat(parts).toString("utf8");
  return { method: request.method ?? "", path: request.url ?? "", headers, text };
}

function respond(mood: Mood, response: ServerResponse, answer: () => ServiceAnswer): void {
  switch (mood) {
    case "silent":
      return;
    case "garbage":
      response.writeHead(200, { "content-type": "application/json" }).end("<html>{]");
      return;
    case "endless":
      response.writeHead(200).end(Buffer.alloc(1024 * 1024, "x"));
      return;
    case "error":
      response.writeHead(500, { "content-type": "application/json" }).end('{"errors":["broken"]}');
      return;
    case "well": {
      const { status, headers, body } = answer();
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    }
  }
}
