import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ask, jsonOf, testGateway } from "./testing.ts";

suite("a refusal", () => {
  test("below /fhir is an OperationOutcome", async (t) => {
    const to = await testGateway(t);
    for (const path of ["/fhir/a/b/c/d", "/fhir/", "/fhir/Patient//", "/fhir"]) {
      const answer = await ask(to, { path });
      assert.equal(answer.headers["content-type"], "application/fhir+json; charset=utf-8", path);
      assert.equal(jsonOf(answer).resourceType, "OperationOutcome");
    }
  });

  test("elsewhere is problem details", async (t) => {
    const to = await testGateway(t);
    for (const path of ["/none", "/fhirx", "/api/records/none"]) {
      const { status, headers, body } = await ask(to, { path });
      assert.equal(headers["content-type"], "application/problem+json");
      assert.deepEqual(JSON.parse(body.toString()), {
        type: "urn:phylax:problem:not-found",
        title: "There is nothing here.",
        status,
      });
    }
  });

  test("for a person at a browser is a page that says no more than our own words", async (t) => {
    const to = await testGateway(t);
    const headers = { accept: "text/html,*/*;q=0.8" };
    const answer = await ask(to, { path: "/none?x=%3Cscript%3E", headers });
    assert.equal(answer.status, 404);
    assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
    assert.match(answer.body.toString(), /There is nothing here/);
    assert.doesNotMatch(answer.body.toString(), /<script|%3C/);
    assert.match(String(answer.headers["content-security-policy"]), /^default-src 'none'/);
  });

  test("of a method names those that are allowed", async (t) => {
    const to = await testGateway(t);
    const allow = async (method: string, path: string) => {
      const { status, headers } = await ask(to, { method, path });
      return [status, headers["allow"]];
    };
    assert.deepEqual(await allow("PATCH", "/fhir/Patient/1/_history"), [405, "GET"]);
    assert.deepEqual(await allow("OPTIONS", "/fhir/Patient/1"), [
      405,
      "GET, POST, PUT, PATCH, DELETE",
    ]);
    assert.deepEqual(await allow("GET", "/oauth/token"), [405, "POST"]);
    assert.deepEqual(await allow("GET", "/fhir/"), [405, "POST"]);
    assert.deepEqual(await allow("GET", "/fhir/Patient/"), [404, undefined]);
    assert.deepEqual(await allow("DELETE", "/home"), [405, "GET, HEAD"]);
    assert.deepEqual(await allow("DELETE", "/none"), [404, undefined]);
  });

  test("carries the strict headers and the request's id, and is not stored", async (t) => {
    const to = await testGateway(t);
    for (const path of ["/none", "/fhir//", "/oauth/token"]) {
      const { headers } = await ask(to, { path });
      assert.match(String(headers["strict-transport-security"]), /^max-age=\d{8};/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
      assert.equal(headers["cache-control"], "no-store");
      assert.match(String(headers["request-id"]), /^[0-9a-f-]{36}$/);
    }
  });

  test("of an undeclared query name repeats neither name nor value", async (t) => {
    const to = await testGateway(t);
    const { body } = await ask(to, { path: "/api/records/access-log?ssn=078-05-1120" });
    assert.doesNotMatch(body.toString(), /ssn|078/);
    assert.match(body.toString(), /patient, before/);
  });

  test("of HEAD has no body", async (t) => {
    const to = await testGateway(t);
    const { status, body } = await ask(to, { method: "HEAD", path: "/none" });
    assert.deepEqual([status, body.length], [404, 0]);
  });
});
