import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

/** Set PHYLAX_SCREENS to a folder to keep a picture of each page on the way. */
const screens = process.env["PHYLAX_SCREENS"];

async function picture(page: Page, name: string): Promise<void> {
  if (screens === undefined) return;
  mkdirSync(screens, { recursive: true });
  // What is on its way is not the page yet.
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: `${screens}/${name}.png` });
}

/** The course of one test over the years, drawn. */
async function openChart(page: Page): Promise<void> {
  await page.getByRole("button", { name: /HbA1c/ }).click();
  await page.locator("svg.recharts-surface").first().waitFor();
}

suite("a patient in a real browser", { skip: noBrowser, timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let browser: Browser;
  let page: Page;
  const foreign: string[] = [];
  const complaints: string[] = [];

  before(async () => {
    phylax = await startDeployment();
    browser = await openBrowser({ authority: phylax.authority() });
    page = await browser.newPage();
    page.on("request", (request) => {
      if (!request.url().startsWith(phylax.origin) && !request.url().startsWith("data:"))
        foreign.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await browser.addAuthenticator(page);
  });
  after(async () => {
    await browser?.close();
    await phylax?.remove();
  });

  test("she makes a passkey from her one-time link, and the link's token leaves the address", async () => {
    await page.goto(printedSignIn(phylax.output(), "patient").link);
    await page.getByRole("button", { name: "Set up my passkey" }).click();
    await page.getByRole("heading", { name: "You are all set" }).waitFor();
    assert.doesNotMatch(page.url(), /token/);
    await picture(page, "enrolled");
  });

  test("she signs in with it and is at home", async () => {
    await page
      .getByRole("button", { name: "Sign in now" })
      .or(page.getByRole("link", { name: "Sign in now" }))
      .click();
    await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
    await picture(page, "sign-in");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForURL(`${phylax.origin}/home`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await picture(page, "home");
  });

  test("she reads each part of her record", async () => {
    for (const section of [
      "problems",
      "medicines",
      "allergies",
      "immunisations",
      "results",
      "visits",
      "documents",
    ]) {
      await page.goto(`${phylax.origin}/record/${section}`);
      await page
        .getByRole("main")
        .getByRole("listitem")
        .or(page.getByRole("main").getByRole("row"))
        .first()
        .waitFor();
      if (section === "results") await openChart(page);
      await picture(page, section);
    }
  });

  test("who looked shows her own reading", async () => {
    await page.goto(`${phylax.origin}/access`);
    await page.getByText("You", { exact: false }).first().waitFor();
    await page
      .getByRole("main")
      .getByText(/You (looked|read|opened)|^You$/)
      .first()
      .waitFor();
    await picture(page, "access");
  });

  test("nothing was asked of any other place, and the page had no complaint", () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(complaints, []);
  });

  test("after signing out, going back shows nothing of her", async () => {
    await page
      .getByRole("button", { name: "Sign out" })
      .or(page.getByRole("menuitem", { name: "Sign out" }))
      .first()
      .click();
    await page.waitForURL((url) => !url.pathname.startsWith("/access"));
    await page.goBack();
    await page.waitForTimeout(1_000);
    assert.equal(
      await page
        .getByRole("main")
        .getByText(/You (looked|read|opened)/)
        .count(),
      0,
    );
  });
});
