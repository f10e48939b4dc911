import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { serveSmartApp, type ServedApp } from "../support/smart-app.ts";

const standalone = "openid fhirUser launch/patient offline_access patient/*.rs";
const fromChart = "openid fhirUser launch offline_access patient/*.rs";

/** What the app's page says in the end. */
async function told(page: Page): Promise<string> {
  const out = page.locator("#out");
  await out.filter({ hasText: /read|failed/ }).waitFor();
  return (await out.textContent()) ?? "";
}

suite(
  "an app with fhirclient, unmodified, in Chromium",
  { skip: noBrowser, timeout: 300_000 },
  () => {
    let phylax: TestDeployment;
    let browser: Browser;
    let page: Page;
    let app: ServedApp;
    const settings = { clientId: "", scope: standalone };

    const allow = async (): Promise<void> => {
      await page.waitForURL(/\/consent\//);
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await page.waitForURL((url) => url.origin === app.origin);
    };

    before(async () => {
      phylax = await startDeployment();
      app = await serveSmartApp(phylax.home, () => settings);
      const registered = await phylax.run(
        "apps",
        "register",
        "Growth chart",
        "--kind",
        "public",
        "--redirect-uri",
        `${app.origin}/back`,
        "--launch-uri",
        `${app.origin}/launch`,
        "--binding",
        "bearer",
        "--json",
        "--scope",
        ...new Set([...standalone.split(" "), ...fromChart.split(" ")]),
      );
      assert.equal(registered.code, 0, registered.err);
      settings.clientId = (JSON.parse(registered.out) as { id: string }).id;
      browser = await openBrowser({ authority: phylax.authority() });
      page = await browser.newPage();
      await browser.addAuthenticator(page);
      await page.goto(printedSignIn(phylax.output(), "patient").link);
      await page.getByRole("button", { name: "Set up my passkey" }).click();
      await page.getByRole("heading", { name: "You are all set" }).waitFor();
    });
    after(async () => {
      await browser?.close();
      await app?.close();
      await phylax?.remove();
    });

    test("is launched by itself: she signs in, allows it, and it reads her record", async () => {
      await page.goto(`${app.origin}/launch?iss=${encodeURIComponent(`${phylax.origin}/fhir`)}`);
      await page.getByRole("button", { name: "Sign in with a passkey" }).click();
      // She acts for her son, too: by itself, the app does not know whose record it is to be.
      await page.locator("label").filter({ hasText: /^Ana/ }).click();
      await allow();
      const words = await told(page);
      assert.match(words, /^read (\S+) of \1 as Patient\/\1, [1-9]\d* observations$/);
    });

    test("is cut off by her within a second, and can not come back", async () => {
      const chart = await browser.newPage();
      await chart.goto(`${phylax.origin}/account/apps`);
      await chart.getByRole("button", { name: "Disconnect Growth chart" }).click();
      const answered = chart.waitForResponse(
        (response) =>
          response.request().method() === "DELETE" && response.url().includes("/account/apps/"),
      );
      await chart.getByRole("alertdialog").getByRole("button", { name: "Disconnect" }).click();
      assert.equal((await answered).status(), 200);
      const lived = await page.evaluate(async () => {
        interface Asker {
          state: { tokenResponse: { access_token: string }; serverUrl: string };
        }
        const { state } = (globalThis as unknown as { client: Asker }).client;
        const began = performance.now();
        // When the last request was sent that was still answered: a busy machine may answer late.
        let lived = 0;
        for (;;) {
          const sentMs = performance.now() - began;
          const { status } = await fetch(`${state.serverUrl}/Patient`, {
            headers: { authorization: `Bearer ${state.tokenResponse.access_token}` },
          });
          if (status === 401) return lived;
          lived = sentMs;
          if (sentMs > 10_000) return sentMs;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
      assert.ok(lived < 1_000, `it lived on for ${lived} ms`);
      const again = await page.evaluate(async () => {
        const { client } = globalThis as unknown as { client: { refresh(): Promise<unknown> } };
        return client.refresh().then(
          () => "refreshed",
          () => "refused",
        );
      });
      assert.equal(again, "refused");
      await chart.close();
    });

    test("is launched from the chart, for the record that was open", async () => {
      settings.scope = fromChart;
      await page.goto(`${phylax.origin}/record`);
      await page.getByRole("button", { name: "Open an app" }).click();
      await page.getByRole("button", { name: "Open Growth chart" }).click();
      await allow();
      const words = await told(page);
      assert.match(words, /^read (\S+) of \1 as Patient\/\1, [1-9]\d* observations$/);
    });
  },
);
