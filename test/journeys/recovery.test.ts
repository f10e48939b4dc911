import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import {
  enrol,
  picture,
  pressAndConfirm,
  readOwnResults,
  signInWithPasskey,
} from "../support/portal-pages.ts";

/** Long enough to be seen in the middle of it, short enough to wait for; 72 hours by default. */
const waitSeconds = 15;

suite("a person who lost all her devices", { skip: noBrowser, timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let code: string;
  /** Her browser before, with its passkey; then one that knows nothing of her. */
  let old: Browser;
  let fresh: Browser;
  let oldPage: Page;
  let page: Page;

  /** Starts the wait and has the browser keep the way back; the answer is the same for any code. */
  const begin = async (): Promise<void> => {
    await page.getByRole("textbox", { name: "Recovery code" }).fill(code);
    await page.getByRole("button", { name: "Start the wait" }).click();
    await page.getByRole("heading", { name: "Now you have to wait" }).waitFor();
    await page.getByRole("button", { name: "Keep it in this browser" }).click();
    await page.getByText("This browser keeps it.").first().waitFor();
  };
  /** Comes back to the page until the wait is over: until this stands there. */
  const endWait = async (then: Locator): Promise<void> => {
    const wait = page.getByRole("heading", { name: "Now you have to wait" });
    do {
      await page.waitForTimeout(1_000);
      await page.goto(`${phylax.origin}/recovery`);
      await then.or(wait).first().waitFor();
    } while (await wait.isVisible());
  };

  before(async () => {
    phylax = await startDeployment({
      variables: { PHYLAX_RECOVERY_WAIT_SECONDS: String(waitSeconds) },
    });
    old = await openBrowser({ authority: phylax.authority() });
    fresh = await openBrowser({ authority: phylax.authority() });
    [oldPage, page] = [await old.newPage(), await fresh.newPage()];
    await old.addAuthenticator(oldPage);
    await fresh.addAuthenticator(page);
  });
  after(async () => {
    await old?.close();
    await fresh?.close();
    await phylax?.remove();
  });

  test("had made recovery codes, shown this one time", async () => {
    await oldPage.goto(printedSignIn(phylax.output(), "patient").link);
    await enrol(oldPage);
    await signInWithPasskey(oldPage);
    await oldPage.goto(`${phylax.origin}/account`);
    await pressAndConfirm(oldPage, "Make new codes");
    const listed = oldPage
      .getByRole("list", { name: "Your new recovery codes" })
      .getByRole("listitem");
    await listed.first().waitFor();
    const codes = (await listed.allInnerTexts()).map((text) => text.trim());
    assert.equal(codes.length, 10);
    assert.equal(new Set(codes).size, 10);
    code = codes[0] ?? "";
    await picture(oldPage, "recovery-codes");
    await oldPage.getByRole("button", { name: "I have kept them" }).click();
    await oldPage.getByText("You have 10 codes left.").waitFor();
  });

  test("begins with one of them in another browser, and is told to wait", async () => {
    await page.goto(`${phylax.origin}/recovery`);
    await begin();
    await picture(page, "recovery-wait");
  });

  test("her signed-in device is warned, with a way to stop it", async () => {
    await oldPage.goto(`${phylax.origin}/home`);
    await oldPage.getByText("Someone asked to get back into your account").first().waitFor();
    await oldPage.getByRole("button", { name: "Stop it" }).first().waitFor();
    await picture(oldPage, "recovery-alarm");
  });

  test("after the wait sets up a new passkey and reads her record with it", async () => {
    const goOn = page.getByRole("button", { name: "Set up a new passkey" });
    await endWait(goOn);
    await goOn.click();
    await enrol(page);
    await signInWithPasskey(page);
    await readOwnResults(page, phylax.origin);
  });

  test("all that was signed in before is out, and its passkey signs nobody in", async () => {
    await oldPage.goto(`${phylax.origin}/record/results`);
    await oldPage.getByRole("button", { name: "Sign in", exact: true }).click();
    await oldPage.getByRole("button", { name: "Sign in with a passkey" }).click();
    await oldPage.getByRole("alert").first().waitFor();
    assert.match(new URL(oldPage.url()).pathname, /^\/sign-in\//);
  });

  test("the code serves no second time, which is told only after a wait as long", async () => {
    const closed = page.getByRole("heading", { name: "This way back is closed" });
    await page.goto(`${phylax.origin}/recovery`);
    await closed.waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await begin();
    await endWait(closed);
    await picture(page, "recovery-closed");
  });
});
