import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPathOf } from "#records/upstream/client.ts";
import { parseUpstreamSettings } from "#records/upstream/settings.ts";

const baseUrl = "https://ehr.example.org/fhir/R4/";

test("settings are read with their usual limits", () => {
  const read = parseUpstreamSettings({ baseUrl });
  assert.ok(read.ok);
  assert.deepEqual(read.value.base, { origin: "https://ehr.example.org", path: "/fhir/R4" });
  assert.equal(read.value.timeoutMs, 20_000);
});

test("what is misspelt, open or out of bounds is refused", () => {
  for (const wrong of [
    null,
    {},
    { baseUrl: "http://ehr.example.org/fhir" },
    { baseUrl: "https://user:word@ehr.example.org/fhir" },
    { baseUrl: "https://ehr.example.org/fhir?x=1" },
    { baseUrl, tokenfile: "token" },
    { baseUrl, certificateFile: "a.pem" },
    { baseUrl, timeoutMs: 60_000 },
    { baseUrl, answerBytes: 1.5 },
  ])
    assert.equal(parseUpstreamSettings(wrong).ok, false, JSON.stringify(wrong));
  assert.ok(parseUpstreamSettings({ baseUrl: "http://127.0.0.1:8080/fhir" }).ok);
});

test("a further page lies below the base, or nowhere", () => {
  const base = { origin: "https://ehr.example.org", path: "/fhir" };
  assert.equal(nextPathOf("https://ehr.example.org/fhir?p=2", base), "/fhir?p=2");
  assert.equal(nextPathOf("Observation?p=2", base), "/fhir/Observation?p=2");
  for (const link of [
    "https://ehr.example.org/fhirs/x",
    "https://ehr.example.org/fhir/../admin",
    "https://ehr.example.org/fhir/%2e%2e/admin",
    "https://u@ehr.example.org/fhir/x",
    "http://ehr.example.org/fhir/x",
    "//evil.example/fhir/x",
  ])
    assert.equal(nextPathOf(link, base), null, link);
});
