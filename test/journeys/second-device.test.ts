import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import {
  enrol,
  makePasskey,
  picture,
  pressAndConfirm,
  readOwnResults,
  readQr,
  signInWithPasskey,
} from "../support/portal-pages.ts";

suite("a second device by a QR code", { skip: noBrowser, timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let first: Browser;
  let second: Browser;
  let firstPage: Page;
  let secondPage: Page;
  let link: string;
  let digits: string;

  before(async () => {
    phylax = await startDeployment();
    const authority = phylax.authority();
    first = await openBrowser({ authority });
    second = await openBrowser({ authority, viewport: { width: 412, height: 823 } });
    [firstPage, secondPage] = [await first.newPage(), await second.newPage()];
    await first.addAuthenticator(firstPage);
    await second.addAuthenticator(secondPage);
  });
  after(async () => {
    await first?.close();
    await second?.close();
    await phylax?.remove();
  });

  test("the first device, signed in, shows a code", async () => {
    await firstPage.goto(printedSignIn(phylax.output(), "patient").link);
    await enrol(firstPage);
    await signInWithPasskey(firstPage);
    await firstPage.goto(`${phylax.origin}/account/devices`);
    await firstPage.getByRole("button", { name: "Add a device" }).click();
    const code = firstPage.getByRole("img", { name: "QR code with the link to add a device" });
    await code.waitFor();
    await picture(firstPage, "second-device-code");
    link = await readQr(first, code);
    assert.ok(link.startsWith(`${phylax.origin}/enrol#token=`), link.split("#")[0]);
  });

  test("the second opens what the code says, makes a passkey, and is told to wait for a yes", async () => {
    await secondPage.goto(link);
    await makePasskey(secondPage);
    await secondPage.getByRole("heading", { name: "One more step" }).waitFor();
    digits = (await secondPage.locator(".paper-code").innerText()).trim();
    assert.match(digits, /^\d{6}$/);
    await picture(secondPage, "second-device-waits");
  });

  test("until the first says yes, its passkey signs nobody in", async () => {
    await secondPage.getByRole("button", { name: "Sign in now" }).click();
    await secondPage.getByRole("button", { name: "Sign in with a passkey" }).click();
    await secondPage.getByRole("alert").first().waitFor();
    assert.match(new URL(secondPage.url()).pathname, /^\/sign-in\//);
  });

  test("the first shows the same digits and says yes", async () => {
    await firstPage.getByText(digits, { exact: true }).waitFor();
    await picture(firstPage, "second-device-confirm");
    await pressAndConfirm(firstPage, "Yes, add it");
    await firstPage.getByText("The device is added.").first().waitFor();
  });

  test("the second signs in with its own passkey and reads the record", async () => {
    await signInWithPasskey(secondPage);
    await readOwnResults(secondPage, phylax.origin);
    await picture(secondPage, "second-device-record");
  });

  test("the first goes on, and both stand among her devices", async () => {
    await readOwnResults(firstPage, phylax.origin);
    await firstPage.goto(`${phylax.origin}/account/devices`);
    await firstPage.getByText("This device").first().waitFor();
    await firstPage
      .getByRole("button", { name: /^Sign out .+/ })
      .and(firstPage.getByRole("main").getByRole("button"))
      .first()
      .waitFor();
  });

  test("the code serves no second time", async () => {
    const third = await second.newPage();
    await third.goto(link);
    await third.getByRole("heading", { name: "This link no longer works" }).waitFor();
  });
});
