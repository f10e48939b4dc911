import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { openTls, sendRaw, statuses, testGateway, untilEnd } from "./testing.ts";

interface Vector {
  readonly name: string;
  readonly status: number;
  readonly raw: string;
  /** The fault shows only after the header was accepted: the connection ends without an answer of its own. */
  readonly midBody?: boolean;
}

const file = new URL("../../testdata/http1-framing/refused.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: readonly Vector[] };

suite("HTTP/1.1 framing", () => {
  test("the vectors were read", () => assert.ok(vectors.length > 40));

  for (const { name, status, raw, midBody } of vectors) {
    test(`refused: ${name}`, async (t) => {
      const reached: string[] = [];
      const to = await testGateway(t, {
        records: (request, response) => {
          request.resume();
          request.on("end", () => {
            reached.push(request.url ?? "");
            response.end("{}");
          });
        },
      });
      const socket = await openTls(to);
      const answer = untilEnd(socket);
      const behind =
        status === 400 ? `GET /fhir/Patient/behind HTTP/1.1\r\nHost: ${to.host}\r\n\r\n` : "";
      socket.write(Buffer.from(raw + behind, "latin1"));
      const [first, ...more] = statuses(await answer);
      assert.deepEqual(reached, []);
      if (midBody === true) assert.ok(first === undefined || first >= 400, `answered ${first}`);
      else assert.equal(first, status);
      assert.deepEqual(more, []);
    });
  }

  test("a lawful request with a body in chunks passes, and the next on the connection too", async (t) => {
    const bodies: string[] = [];
    const to = await testGateway(t, {
      records: (request, response) => {
        let body = "";
        request.on("data", (chunk) => (body += String(chunk)));
        request.on("end", () => {
          bodies.push(`${request.method} ${request.url} ${body}`);
          response.end("{}");
        });
      },
    });
    const raw = await sendRaw(
      to,
      `POST /fhir/Patient HTTP/1.1\nHost: phylax.test\nTransfer-Encoding: chunked\n\n2\n{}\n0\n\nGET /fhir/Patient/1 HTTP/1.1\nHost: PHYLAX.test:443\nConnection: close\n\n`,
    );
    assert.deepEqual(statuses(raw), [200, 200]);
    assert.deepEqual(bodies.sort(), ["GET /fhir/Patient/1 ", "POST /fhir/Patient {}"]);
  });
});
