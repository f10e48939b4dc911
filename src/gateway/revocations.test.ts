import assert from "node:assert/strict";
import type { RequestListener, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { suite, test } from "node:test";
import { systemRandom } from "#core/random.ts";
import { revocationWire, type RevocationLine } from "#core/revocations.ts";
import { sessionNamedBy } from "./revocations.ts";
import { testGateway, type TestGateway } from "./testing.ts";

const tokenOf = (claims: object): string =>
  `DPoP e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;

/** Identity as far as the gateway asks it; `say` writes a line, `hush` stops all of them. */
function sayingIdentity() {
  const open = new Set<ServerResponse>();
  const asked: string[] = [];
  let isSilent = false;
  const write = (line: RevocationLine): void => {
    if (isSilent) return;
    for (const response of open) response.write(`${JSON.stringify(line)}\n`);
  };
  const handler: RequestListener = (request, response) => {
    asked.push(request.url ?? "");
    open.add(response);
    response.once("close", () => open.delete(response));
    response.writeHead(200);
    write({ epoch: 7, ended: [] });
  };
  const beats = setInterval(() => write({ epoch: 7, ended: [] }), revocationWire.everyMs);
  return {
    handler,
    asked,
    say: write,
    hush: () => {
      isSilent = true;
    },
    /** Breaks the connection off; the gateway comes again. */
    drop: () => {
      for (const response of open) response.destroy();
    },
    stop: () => clearInterval(beats),
  };
}

/** Never ends: one piece each 20 ms. */
const streaming: RequestListener = (_request, response) => {
  response.writeHead(200, { "content-type": "application/fhir+json" });
  const beat = setInterval(() => response.write("piece "), 20);
  response.once("close", () => clearInterval(beat));
};

interface Stream {
  /** Resolves when the first piece has come. */
  readonly begun: Promise<void>;
  /** Resolves when the answer is over: whether it broke off. */
  readonly over: Promise<boolean>;
  isOver: boolean;
}

function openStream(to: TestGateway, authorization: string): Stream {
  const sent = httpsRequest({
    host: "127.0.0.1",
    port: to.port,
    servername: to.host,
    ca: to.ca,
    agent: false,
    path: "/fhir/Patient",
    headers: { host: to.host, authorization },
  });
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<boolean>();
  const stream: Stream = { begun: begun.promise, over: over.promise, isOver: false };
  const end = (isBroken: boolean): void => {
    stream.isOver = true;
    over.resolve(isBroken);
  };
  sent.on("error", () => end(true));
  sent.on("response", (response) => {
    response.once("data", () => begun.resolve());
    response.on("error", () => end(true));
    response.on("end", () => end(!response.complete));
    response.resume();
  });
  sent.end();
  return stream;
}

const until = async (held: () => boolean): Promise<void> => {
  while (!held()) await new Promise((resolve) => setTimeout(resolve, 5));
};

suite("an answer under way", () => {
  test("is cut when its session ends, and those of other sessions are not", async (t) => {
    const identity = sayingIdentity();
    t.after(identity.stop);
    const to = await testGateway(t, {
      identity: identity.handler,
      records: streaming,
      follows: { heard: () => {}, staleMs: 60_000 },
    });
    const [lost, other] = [systemRandom.uuid(), systemRandom.uuid()];
    const cut = openStream(to, tokenOf({ sid: lost }));
    const kept = openStream(to, tokenOf({ sid: other }));
    await Promise.all([cut.begun, kept.begun]);
    await until(() => identity.asked.length > 0);
    identity.say({ epoch: 8, ended: [lost] as never });
    assert.equal(await cut.over, true);
    assert.equal(kept.isOver, false);
    identity.say({ epoch: 9, ended: "all" });
    assert.equal(await kept.over, true);
  });

  test("is cut once identity has been silent for too long, whoever's it is", async (t) => {
    const identity = sayingIdentity();
    t.after(identity.stop);
    const told: boolean[] = [];
    const to = await testGateway(t, {
      identity: identity.handler,
      records: streaming,
      follows: { heard: (isHeard) => told.push(isHeard), staleMs: 300 },
    });
    const stream = openStream(to, tokenOf({ sid: systemRandom.uuid() }));
    const foreign = openStream(to, "Bearer nobody-knows");
    await Promise.all([stream.begun, foreign.begun]);
    identity.hush();
    assert.deepEqual(await Promise.all([stream.over, foreign.over]), [true, true]);
    assert.deepEqual(told, [false]);
  });

  test("goes on while the connection to identity breaks and is made anew, from where it was", async (t) => {
    const identity = sayingIdentity();
    t.after(identity.stop);
    const to = await testGateway(t, {
      identity: identity.handler,
      records: streaming,
      follows: { heard: () => {}, staleMs: 60_000 },
    });
    const stream = openStream(to, tokenOf({ sid: systemRandom.uuid() }));
    await stream.begun;
    // As often as it takes until the line of the first epoch was read before the break.
    while (identity.asked.at(-1) !== "/internal/revocations?since=7") {
      const before = identity.asked.length;
      identity.drop();
      await until(() => identity.asked.length > before);
    }
    assert.equal(identity.asked[0], "/internal/revocations");
    assert.equal(stream.isOver, false);
  });
});

test("a session is named by a token's claims alone, and nothing else breaks the reader", () => {
  assert.equal(sessionNamedBy(tokenOf({ sid: "s" })), "s");
  for (const wrong of ["", "DPoP", "DPoP x", "Bearer a.b.c", "DPoP a.e30.c", tokenOf({ sid: 1 })])
    assert.equal(sessionNamedBy(wrong), null);
});
