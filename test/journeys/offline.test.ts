import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { enrol, picture, signInWithPasskey } from "../support/portal-pages.ts";
import { loggedEntries } from "../support/tamper.ts";

const phone = { width: 412, height: 823 };

/** What of a summary stands in the browser's storage. */
const stateOf = (page: Page): Promise<unknown> =>
  page.evaluate(`(async () => {
    const settled = (request) => new Promise((done, failed) => {
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    const database = await settled(indexedDB.open("phylax-offline", 1));
    if (!database.objectStoreNames.contains("kept")) return null;
    const kept = await settled(database.transaction("kept").objectStore("kept").get("summary"));
    database.close();
    return kept?.state ?? null;
  })()`);

async function untilNothingIsKept(page: Page): Promise<void> {
  while ((await stateOf(page)) !== null) await page.waitForTimeout(50);
}

suite("a summary for a time without a connection", { skip: noBrowser, timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let browser: Browser;
  let page: Page;
  let folder: string;

  const goOffline = async (isOffline: boolean): Promise<void> => {
    await browser.context.setOffline(isOffline);
    await page.goto(`${phylax.origin}/home`);
  };
  const show = () => page.getByRole("button", { name: "Show my summary" });
  const shown = () => page.getByRole("heading", { name: "My summary" });
  const keep = async (): Promise<void> => {
    await page.goto(`${phylax.origin}/account/devices`);
    await page.getByRole("button", { name: "Keep it here" }).click();
    await page.getByText("Your summary is kept here").waitFor();
  };

  before(async () => {
    phylax = await startDeployment();
    folder = mkdtempSync(join(tmpdir(), "phylax-offline-"));
    browser = await openBrowser({ authority: phylax.authority(), viewport: phone });
    page = await browser.newPage();
    await browser.addAuthenticator(page);
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
    await phylax?.remove();
  });

  test("she has her phone keep it, and her readings stand in the log", async () => {
    await page.goto(printedSignIn(phylax.output(), "patient").link);
    await enrol(page);
    await signInWithPasskey(page);
    await keep();
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    await picture(page, "offline-kept");
    const given = (await loggedEntries(phylax.home, "account-change")).filter(({ reasons }) =>
      reasons.includes("offline-lease-given"),
    );
    assert.equal(given.length, 1);
    const searches = (await loggedEntries(phylax.home, "search")).filter(
      ({ device }) => device === given[0]?.device,
    );
    const types = new Set(searches.map(({ resourceType }) => resourceType));
    for (const type of ["Condition", "MedicationRequest", "AllergyIntolerance", "Immunization"])
      assert.ok(types.has(type), `${type} was not logged`);
  });

  test("with a lease it opens offline, by her passkey alone", async () => {
    await goOffline(true);
    await show().waitFor();
    assert.equal(await shown().count(), 0);
    await picture(page, "offline-door");
    await show().click();
    await shown().waitFor();
    assert.ok((await page.locator(".item").count()) > 3);
    await picture(page, "offline-summary");
  });

  test("once the lease has run out it is unreadable, and the clock brings nothing back", async () => {
    const now = Date.now();
    await page.clock.setSystemTime(now + 73 * 3_600_000);
    await page.reload();
    await page.getByText("its time has run out").waitFor();
    await page.clock.setSystemTime(now);
    await page.reload();
    await page.getByText("its time has run out").waitFor();
    assert.equal(await stateOf(page), "run-out");
    await picture(page, "offline-run-out");
  });

  test("the next connection brings a new one, without asking her", async () => {
    await goOffline(false);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    while ((await stateOf(page)) !== "readable") await page.waitForTimeout(50);
    await goOffline(true);
    await show().click();
    await shown().waitFor();
  });

  test("a phone told to be lost loses it as soon as it is online", async () => {
    const [given] = (await loggedEntries(phylax.home, "account-change")).filter(({ reasons }) =>
      reasons.includes("offline-lease-given"),
    );
    const device = given?.device ?? "";
    const lost = await phylax.run("device", "lost", device, "--out", folder);
    assert.equal(lost.code, 0, lost.out + lost.err);
    await browser.context.setOffline(false);
    await page.goto(`${phylax.origin}/`);
    await untilNothingIsKept(page);
    await goOffline(true);
    await page.getByText("Nothing of your record is kept").waitFor();
    await picture(page, "offline-nothing");
  });
});
