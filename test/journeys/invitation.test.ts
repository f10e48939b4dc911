import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { openVisitor, signIn } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { enrol, picture, readOwnResults, signInWithPasskey } from "../support/portal-pages.ts";

interface Chart {
  readonly id: string;
  readonly birthDate: string;
}

/** A patient of the demo clinic who has no account yet, as her clinician finds her. */
async function chartWithoutAccount(phylax: TestDeployment): Promise<Chart> {
  const visitor = openVisitor(phylax.origin, phylax.authority());
  try {
    const patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    const me = JSON.parse((await patient.ask("GET", "/api/identity/me")).text) as {
      patients: readonly string[];
    };
    visitor.cookies.clear();
    const clinician = await signIn(visitor, printedSignIn(phylax.output(), "clinician"));
    const found = await clinician.ask("GET", "/fhir/Patient?_count=10");
    const { entry } = JSON.parse(found.text) as { entry: readonly { resource: Chart }[] };
    const chart = entry
      .map(({ resource }) => resource)
      .find(({ id, birthDate }) => !me.patients.includes(id) && birthDate !== undefined);
    assert.ok(chart !== undefined, "there is more than one patient");
    return chart;
  } finally {
    await visitor.close();
  }
}

suite("an invitation on paper", { skip: noBrowser, timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let chart: Chart;
  let code: string;
  let desk: Browser;
  let phone: Browser;
  let deskPage: Page;
  let page: Page;

  /** Types what stands on the paper, and a birth date. */
  const typeIn = async (typed: string, birthDate: string): Promise<void> => {
    await page.getByRole("textbox", { name: "Code" }).fill(typed);
    await page.getByLabel("Your date of birth").fill(birthDate);
    await page.getByRole("button", { name: "Next" }).click();
  };

  before(async () => {
    phylax = await startDeployment();
    chart = await chartWithoutAccount(phylax);
    const authority = phylax.authority();
    desk = await openBrowser({ authority });
    phone = await openBrowser({ authority, viewport: { width: 412, height: 823 } });
    [deskPage, page] = [await desk.newPage(), await phone.newPage()];
    await desk.addAuthenticator(deskPage);
    await phone.addAuthenticator(page);
  });
  after(async () => {
    await desk?.close();
    await phone?.close();
    await phylax?.remove();
  });

  test("an administrator signs in at the front desk", async () => {
    const named = ["--name", "Ada Desk", "--role", "administrator"];
    const invited = await phylax.run("invite", "front-desk", ...named, "--json");
    assert.equal(invited.code, 0, invited.err);
    const { link } = JSON.parse(invited.out) as { link: string };
    await deskPage.goto(link);
    await enrol(deskPage);
    await signInWithPasskey(deskPage);
    await deskPage.waitForURL(`${phylax.origin}/administration`);
  });

  test("invites a patient, and gets a page to print with a code on it", async () => {
    await deskPage.getByRole("button", { name: "Invite someone" }).click();
    await deskPage.getByRole("textbox", { name: "Name", exact: true }).fill("Pia Paper");
    await deskPage.getByText("Patient", { exact: true }).click();
    await deskPage.getByLabel("Record number of their own chart").fill(chart.id);
    await deskPage.getByLabel(/^Date of birth/).fill(chart.birthDate);
    await deskPage.getByRole("button", { name: "Make the invitation" }).click();
    await deskPage.getByRole("heading", { name: "Invitation for Pia Paper" }).waitFor();
    code = (await deskPage.locator(".paper-code").innerText()).trim();
    assert.match(code, /^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    await deskPage.getByText(`${phylax.origin}/invitation`).waitFor();
    await picture(deskPage, "invitation-sheet");
  });

  test("with another birth date the code opens nothing", async () => {
    await page.goto(phylax.origin);
    await page.getByRole("link", { name: "I have a code" }).click();
    await page.getByRole("heading", { name: "Use your code" }).waitFor();
    const other = chart.birthDate === "1950-02-03" ? "1950-02-04" : "1950-02-03";
    await typeIn(code, other);
    await page.getByText("That did not match").first().waitFor();
    await picture(page, "invitation-refused");
  });

  test("with her own, however the code is written, she makes a passkey", async () => {
    await typeIn(code.replaceAll("-", " ").toLowerCase(), chart.birthDate);
    await page.getByRole("heading", { name: "Hello, Pia Paper" }).waitFor();
    assert.doesNotMatch(page.url(), /token/);
    await picture(page, "invitation-enrol");
    await enrol(page);
  });

  test("signs in with it, and reads her record", async () => {
    await signInWithPasskey(page);
    await readOwnResults(page, phylax.origin);
    await picture(page, "invitation-record");
  });

  test("the paper serves no second time", async () => {
    await page.goto(`${phylax.origin}/invitation`);
    await typeIn(code, chart.birthDate);
    await page.getByText("That did not match").first().waitFor();
  });
});
