import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import type { EmergencyPage } from "#core/wire.ts";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { loggedEntries } from "../support/tamper.ts";

const stranger = "in-nobodys-care";
const reason = "Brought in unconscious after a fall";

/** Makes a passkey from the one-time link and signs in with it. */
async function signInBrowser(browser: Browser, link: string): Promise<Page> {
  const page = await browser.newPage();
  await browser.addAuthenticator(page);
  await page.goto(link);
  await page.getByRole("button", { name: "Set up my passkey" }).click();
  await page.getByRole("heading", { name: "You are all set" }).waitFor();
  await page
    .getByRole("button", { name: "Sign in now" })
    .or(page.getByRole("link", { name: "Sign in now" }))
    .click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL(/\/home$|\/patients$/);
  return page;
}

suite("a chart opened in an emergency", { skip: noBrowser, timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let browser: Browser;
  let page: Page;
  let visitor: Visitor;
  let officer: SignedIn;

  before(async () => {
    phylax = await startDeployment();
    const file = join(phylax.home, "stranger.json");
    const resource = {
      resourceType: "Patient",
      id: stranger,
      name: [{ given: ["Noor"], family: "Stray" }],
      birthDate: "1971-05-06",
    };
    const entry = [{ resource, request: { method: "PUT", url: `Patient/${stranger}` } }];
    writeFileSync(file, JSON.stringify({ resourceType: "Bundle", type: "batch", entry }));
    const imported = await phylax.run("import", file);
    assert.equal(imported.code, 0, imported.err);
    visitor = openVisitor(phylax.origin, phylax.authority());
    officer = await signIn(visitor, printedSignIn(phylax.output(), "privacy-officer"));
    browser = await openBrowser({ authority: phylax.authority() });
    page = await signInBrowser(browser, printedSignIn(phylax.output(), "clinician").link);
  });
  after(async () => {
    await browser?.close();
    await visitor?.close();
    await phylax?.remove();
  });

  const queue = async () => {
    const answer = await officer.ask("GET", "/api/records/break-glass");
    assert.equal(answer.status, 200, answer.text);
    return (JSON.parse(answer.text) as EmergencyPage).openings;
  };

  test("the chart of a patient of others is shut, and opens for a reason", async () => {
    await page.goto(`${phylax.origin}/patients/${stranger}`);
    await page.getByRole("heading", { name: "Is this an emergency?" }).waitFor();
    assert.equal(await page.getByText("Noor Stray").count(), 0);
    await page.getByRole("button", { name: "Open the chart in an emergency" }).click();
    await page.getByLabel("Why do you need this chart now?").fill(reason);
    await page.getByRole("button", { name: "Open the chart", exact: true }).click();
    await page.getByText("Noor Stray").first().waitFor();
  });

  test("a banner says that it is open in an emergency, on every part of the chart", async () => {
    await page.getByText("Open in an emergency until").waitFor();
    await page.goto(`${phylax.origin}/patients/${stranger}/problems`);
    await page.getByText("Open in an emergency until").waitFor();
  });

  test("the officer finds it in the queue, with who, whose and why, and the log has the alarm", async () => {
    const [line] = await queue();
    assert.deepEqual(
      [line?.isOpen, line?.isReviewed, line?.words?.name, line?.words?.reason],
      [true, false, "Noor Stray", reason],
    );
    assert.notEqual(line?.words?.who, "");
    const entries = await loggedEntries(phylax.home, "break-glass");
    assert.equal(entries.length, 1);
    const reads = await loggedEntries(phylax.home, "read");
    assert.ok(reads.length > 0);
  });

  test("what she finds not to be justified is recorded, and shuts the chart", async () => {
    const [line] = await queue();
    const review = {
      version: line?.version,
      act: "review",
      finding: "not-justified",
      words: "Nobody of that name was brought in",
    };
    const path = `/api/records/break-glass/${line?.id}`;
    const answer = await officer.ask("POST", path, JSON.stringify(review));
    assert.equal(answer.status, 200, answer.text);
    const [reviewed] = await queue();
    assert.deepEqual([reviewed?.isReviewed, reviewed?.isOpen], [true, false]);
    await page.goto(`${phylax.origin}/patients/${stranger}`);
    await page.getByRole("heading", { name: "Is this an emergency?" }).waitFor();
    assert.equal(await page.getByText("Noor Stray").count(), 0);
  });
});
