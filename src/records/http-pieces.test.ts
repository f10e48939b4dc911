import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import { test, type TestContext } from "node:test";
import { BrokenOff, send, type Pieces } from "#records/http.ts";

/** Serves one body in pieces; `thrown` gets what sending it threw. */
async function serve(t: TestContext, body: Pieces) {
  const thrown: unknown[] = [];
  const served = Promise.withResolvers<undefined>();
  const server = createServer((request, response) => {
    send(request, response, { status: 200, headers: {}, body })
      .catch((error: unknown) => {
        thrown.push(error);
        response.destroy();
      })
      .finally(() => served.resolve(undefined));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { port: address.port, thrown, served: served.promise };
}

function begin(port: number, method = "GET"): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = get({ port, host: "127.0.0.1", method }, resolve);
    asked.once("error", reject);
  });
}

async function whole(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  return text;
}

test("pieces arrive one after the other as one body, without a length", async (t) => {
  async function* pieces(): Pieces {
    yield "Grüß ";
    yield Buffer.from("dich");
  }
  const { port } = await serve(t, pieces());
  const answer = await begin(port);
  assert.equal(answer.headers["content-length"], undefined);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(await whole(answer), "Grüß dich");
});

test("a body that breaks off is cut, so that nobody takes its half for a whole", async (t) => {
  async function* pieces(): Pieces {
    yield "half";
    throw new BrokenOff();
  }
  const { port, thrown, served } = await serve(t, pieces());
  await assert.rejects(async () => whole(await begin(port)), /aborted|hang up|ECONNRESET/);
  await served;
  assert.deepEqual(thrown, [], "the log knows why; it is no fault of the program");
});

test("a fault of the program while sending is told of", async (t) => {
  async function* pieces(): Pieces {
    yield "half";
    throw new RangeError("a fault");
  }
  const { port, thrown, served } = await serve(t, pieces());
  await assert.rejects(async () => whole(await begin(port)));
  await served;
  assert.ok(thrown[0] instanceof RangeError);
});

test("when the caller goes away nothing more is fetched for it", async (t) => {
  let fetched = 0;
  const closed = Promise.withResolvers<undefined>();
  async function* pieces(): Pieces {
    try {
      for (;;) {
        fetched += 1;
        yield Buffer.alloc(1 << 20);
      }
    } finally {
      closed.resolve(undefined);
    }
  }
  const { port, thrown, served } = await serve(t, pieces());
  const answer = await begin(port);
  answer.once("error", () => {});
  await once(answer, "readable");
  answer.destroy();
  await closed.promise;
  await served;
  assert.deepEqual(thrown, []);
  assert.ok(fetched < 100, `${fetched} MiB for a caller that reads none`);
});

test("a HEAD gets the header, and nothing is fetched", async (t) => {
  let fetched = 0;
  async function* pieces(): Pieces {
    fetched += 1;
    yield "body";
  }
  const { port, served } = await serve(t, pieces());
  assert.equal(await whole(await begin(port, "HEAD")), "");
  await served;
  assert.equal(fetched, 0);
});
