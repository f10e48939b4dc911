import assert from "node:assert/strict";
import { test } from "node:test";
import { axeViolations, findChromium, openBrowser, phone } from "./browser.ts";
import { openClinic } from "./clinic.ts";

const executable = findChromium();
const skip = executable === null ? "this machine has no Chromium" : false;

test(
  "without a connection the portal says so, and has kept nothing but that page",
  { skip, timeout: 120_000 },
  async (t) => {
    const clinic = await openClinic(t);
    const look = { theme: "light", ...phone } as const;
    const options = { executable: executable ?? "", spki: clinic.spki, look };
    const { context, page, complaints } = await openBrowser(t, options);
    clinic.isSignedIn = true;
    await page.goto(`${clinic.origin}/home`);
    await page.getByText("Who looked last").waitFor();
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    await page.reload();
    await page.getByText("Who looked last").waitFor();
    assert.deepEqual(complaints, []);
    await context.setOffline(true);
    await page.goto(`${clinic.origin}/home`);
    await page.getByRole("heading", { name: "You are offline" }).waitFor();
    assert.deepEqual(await axeViolations(page), []);
    const kept = await page.evaluate(`(async () => {
      const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
      const requests = await Promise.all(caches_.map((cache) => cache.keys()));
      return requests.flat().map(({ url }) => new URL(url).pathname).sort();
    })()`);
    assert.deepEqual(kept, ["/favicon.svg", "/offline.css", "/offline.html"]);
  },
);
