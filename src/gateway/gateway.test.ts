import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ask, testGateway } from "./testing.ts";

suite("the gateway", () => {
  test("an admitted request reaches records and its answer comes back", async (t) => {
    const to = await testGateway(t, {
      records: (request, response) => {
        response.writeHead(200, { "content-type": "application/fhir+json", server: "x" });
        response.end(JSON.stringify({ url: request.url, headers: request.headers }));
      },
    });
    const answer = await ask(to, { path: "/fhir/Patient/1?_format=json" });
    assert.equal(answer.status, 200);
  });
});
