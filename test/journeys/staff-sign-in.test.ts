import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import {
  outsideClient,
  startProvider,
  type TestProvider,
} from "../../src/identity/outside/testing-provider.ts";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { startDeployment, type TestDeployment } from "../support/deployment.ts";

/** Set PHYLAX_SCREENS to a folder to keep a picture of each page on the way. */
const screens = process.env["PHYLAX_SCREENS"];

async function picture(page: Page, name: string): Promise<void> {
  if (screens === undefined) return;
  mkdirSync(screens, { recursive: true });
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: `${screens}/${name}.png` });
}

const button = "Sign in with St. Mary Hospital";

suite("a staff member who signs in at her own house", { skip: noBrowser, timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let house: TestProvider;
  let browser: Browser;
  let page: Page;
  let code: string;

  /** From a page that needs a session to the sign-in page, its button, the house, and back. */
  const throughHouse = async (): Promise<void> => {
    await page.goto(`${phylax.origin}/patients`);
    await page.getByRole("button", { name: "Sign in" }).first().click();
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("button", { name: "Go on as Dr. Lee" }).click();
  };

  before(async () => {
    phylax = await startDeployment();
    house = await startProvider(`${phylax.origin}/sign-in-with/st-mary/callback`, {
      sub: "st-mary|4711",
      name: "Dr. Lee",
      email: "lee@st-mary.example",
      amr: ["pwd", "mfa"],
    });
    const authority = join(phylax.home, "st-mary.pem");
    const secret = join(phylax.home, "st-mary.secret");
    writeFileSync(authority, house.authority, { mode: 0o600 });
    writeFileSync(secret, `${house.secret}\n`, { mode: 0o600 });
    const settings: Readonly<Record<string, string>> = {
      label: "St. Mary Hospital",
      issuer: house.issuer,
      "client-id": outsideClient.id,
      "secret-file": secret,
      ca: authority,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const added = await phylax.run("sign-in-with", "add", "st-mary", ...options);
    assert.equal(added.code, 0, added.err);
    assert.match(added.out, /\/sign-in-with\/st-mary\/callback/);
    browser = await openBrowser({
      authority: phylax.authority(),
      otherAuthority: house.authority,
    });
    page = await browser.newPage();
  });
  after(async () => {
    await browser?.close();
    await house?.stop();
    await phylax?.remove();
  });

  test("is proven there, and shown a code for her administrator", async () => {
    await throughHouse();
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    code = (await page.locator(".approval-code code").textContent()) ?? "";
    assert.match(code, /^[0-9A-Z]{4} [0-9A-Z]{4}$/);
    await picture(page, "staff-approval");
  });

  test("is approved by that code for one account", async () => {
    const list = await phylax.run("sign-in-with", "list");
    assert.match(
      list.out,
      new RegExp(`${code.replace(" ", "")} {2}Dr\\. Lee <lee@st-mary.example>`),
    );
    const patient = await phylax.run("sign-in-with", "link", code, "--account", "demo-patient");
    assert.equal(patient.code, 77, "a patient's account is not for staff");
    const linked = await phylax.run("sign-in-with", "link", code, "--account", "demo-clinician");
    assert.equal(linked.code, 0, linked.err);
  });

  test("comes back to the list of her patients", async () => {
    await throughHouse();
    await page.waitForURL(`${phylax.origin}/patients`);
    await page.getByText("People in your care").first().waitFor();
    await picture(page, "staff-patients");
  });

  test("is out as soon as the link is taken back, and comes no further than the code again", async () => {
    const unlink = ["sign-in-with", "unlink", "st-mary", "--account", "demo-clinician"];
    const unlinked = await phylax.run(...unlink);
    assert.equal(unlinked.code, 0, unlinked.err);
    // Its first step is the button to sign in, which is there for nobody who is signed in.
    await throughHouse();
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    const again = (await page.locator(".approval-code code").textContent()) ?? "";
    assert.match(again, /^[0-9A-Z]{4} [0-9A-Z]{4}$/);
    const twice = await phylax.run(...unlink);
    assert.equal(twice.code, 77, "there is no link left to take back");
  });
});
