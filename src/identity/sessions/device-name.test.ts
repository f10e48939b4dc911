import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { deviceNameOf } from "#identity/sessions/device-name.ts";

const agents = {
  "Chrome on Windows":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
  "Edge on Windows":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0",
  "Safari on iPhone":
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
  "Firefox on Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0",
  "Chrome on Android":
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile Safari/537.36",
};

for (const [name, agent] of Object.entries(agents))
  test(`a browser is called ${name}`, () => assert.equal(deviceNameOf(agent), name));

test("what tells nothing has no name, and no text makes a long one", () => {
  assert.equal(deviceNameOf(undefined), null);
  assert.equal(deviceNameOf("curl/8.5.0"), null);
  fc.assert(fc.property(fc.string(), (text) => (deviceNameOf(text)?.length ?? 0) < 40));
});
