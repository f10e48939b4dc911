import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as ask, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Problem } from "#core/problem.ts";
import { acceptsJson, checkMediaType, problemAnswer, readBody, send } from "#records/http.ts";

const maxBytes = 1_000;

async function server(t: TestContext): Promise<number> {
  const listening = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const body = await readBody(request, maxBytes);
      const answer = body.ok
        ? { status: 200, headers: {}, body: String(body.value.length) }
        : problemAnswer(body.problem, true);
      await send(request, response, answer);
    };
    void respond();
  });
  await new Promise<void>((resolve) => {
    listening.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const address = listening.address();
  return typeof address === "object" && address !== null ? address.port : assert.fail();
}

interface Got {
  readonly status: number;
  readonly text: string;
}

function post(
  port: number,
  write: (body: ReturnType<typeof ask>) => void,
  headers = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = ask({ port, method: "POST", headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
    });
    asked.on("error", reject);
    write(asked);
  });
}

test("a body up to the limit is read whole", async (t) => {
  const port = await server(t);
  const got = await post(port, (body) => body.end(Buffer.alloc(maxBytes)));
  assert.deepEqual(got, { status: 200, text: String(maxBytes) });
});

test("a body that says it is too large is refused before it is sent", async (t) => {
  const port = await server(t);
  const got = await post(port, (body) => body.flushHeaders(), { "content-length": 100_000_000 });
  assert.equal(got.status, 413);
  assert.match(got.text, /body-too-large/);
});

test("a body that does not say its size is cut off at the limit, and its sender still reads why", async (t) => {
  const port = await server(t);
  const got = await post(port, (body) => {
    body.on("error", () => {});
    for (let sent = 0; sent < 200; sent += 1) body.write(Buffer.alloc(maxBytes));
    body.end();
  });
  assert.equal(got.status, 413);
});

test("a caller who hangs up in the middle leaves the server well", async (t) => {
  const port = await server(t);
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf");
      socket.destroy();
      socket.on("close", () => resolve());
    });
  });
  const got = await post(port, (body) => body.end("ok"));
  assert.deepEqual(got, { status: 200, text: "2" });
});

const withHeaders = (headers: Record<string, string>): IncomingMessage =>
  ({ headers }) as unknown as IncomingMessage;

for (const [type, isTaken] of [
  ["application/fhir+json", true],
  ["application/json; charset=utf-8", true],
  ["APPLICATION/FHIR+JSON; charset=UTF-8", true],
  ['application/json;charset="utf-8"', true],
  ["application/json; charset=latin1", false],
  ["application/xml", false],
  ["text/json", false],
  ["", false],
] as const)
  test(`a body of type "${type}" is ${isTaken ? "taken" : "refused"}`, () => {
    const checked = checkMediaType(withHeaders({ "content-type": type }), "json");
    assert.equal(checked.ok, isTaken);
  });

test("only a caller who rules JSON out is told that there is nothing else", () => {
  assert.ok(acceptsJson(withHeaders({})));
  assert.ok(acceptsJson(withHeaders({ accept: "application/fhir+json" })));
  assert.ok(acceptsJson(withHeaders({ accept: "text/html, */*;q=0.1" })));
  assert.ok(!acceptsJson(withHeaders({ accept: "application/fhir+xml" })));
});

for (const [code, challenge] of [
  ["token-missing", /^DPoP algs=/],
  ["token-expired", /error="invalid_token"/],
  ["session-ended", /error="invalid_token"/],
  ["proof-replayed", /error="invalid_dpop_proof"/],
] as const satisfies readonly (readonly [Problem["code"], RegExp])[])
  test(`${code} is told with a challenge that says how to come back`, () => {
    const answer = problemAnswer({ code }, true);
    assert.equal(answer.status, 401);
    assert.match(answer.headers["www-authenticate"] ?? "", challenge);
  });

test("a problem is an OperationOutcome under /fhir and RFC 9457 elsewhere", () => {
  const fhir = problemAnswer({ code: "not-found" }, true);
  assert.match(fhir.headers["content-type"] ?? "", /fhir\+json/);
  assert.equal(
    (JSON.parse(fhir.body) as { resourceType: string }).resourceType,
    "OperationOutcome",
  );
  const other = problemAnswer({ code: "not-found" }, false);
  assert.equal(other.headers["content-type"], "application/problem+json");
  assert.equal((JSON.parse(other.body) as { status: number }).status, 404);
});

test("a body whose sender left before it was read is not waited for", async (t) => {
  const listening = createServer();
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  t.after(() => listening.close());
  const address = listening.address();
  assert.ok(typeof address === "object" && address !== null);
  const sender = connect(address.port, "127.0.0.1");
  sender.write("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf");
  const [request] = (await once(listening, "request")) as [IncomingMessage];
  request.on("error", () => undefined);
  sender.destroy();
  await new Promise((resolve) => request.once("close", resolve));
  const waiting = nextTurn("still waiting");
  const read = await Promise.race([readBody(request, maxBytes), waiting]);
  assert.ok(typeof read === "object" && !read.ok);
  assert.equal(read.problem.code, "json-broken");
});
