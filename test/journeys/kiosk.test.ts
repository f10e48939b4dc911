import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import type { Page } from "playwright-core";
import { createPersonas, jsonOf } from "../attacks/attacked.ts";
import { noBrowser, openBrowser, type Browser } from "../support/chromium.ts";
import { openVisitor, type SignedIn, type Visitor } from "../support/client.ts";
import { startDeployment, type TestDeployment } from "../support/deployment.ts";

const screens = process.env["PHYLAX_SCREENS"];
const secret = "a very private cough";

interface Visit {
  readonly patient: string;
  readonly visit: string;
}

interface Bundle {
  readonly entry?: readonly { readonly resource: { readonly id: string } }[];
}

/** Run in the page, which has other names than we. */
const whatIsLeft = `(async () => JSON.stringify([
  document.documentElement.outerHTML,
  [...document.querySelectorAll("input, textarea")].map(({ value }) => value),
  { ...localStorage },
  { ...sessionStorage },
  await caches.keys(),
  (await indexedDB.databases()).map(({ name }) => name),
  document.cookie,
]))()`;

suite("one tablet between two patients", { skip: noBrowser, timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let browser: Browser;
  let page: Page;
  const visitors: Visitor[] = [];
  let patient: SignedIn;
  let clinician: SignedIn;
  let wish: Visit;
  let kiosk: unknown;

  const picture = async (name: string): Promise<void> => {
    if (screens === undefined) return;
    mkdirSync(screens, { recursive: true });
    await page.screenshot({ path: `${screens}/${name}.png` });
  };
  const visitor = (): Visitor => {
    const made = openVisitor(phylax.origin, phylax.authority());
    visitors.push(made);
    return made;
  };
  const post = async (who: SignedIn, path: string, body: object) => {
    const headers = {
      authorization: `DPoP ${who.token}`,
      dpop: who.key.proof("POST", `${phylax.origin}${path}`, who.token),
      "content-type": "application/json",
    };
    return jsonOf(await visitor().ask("POST", path, { headers, body: JSON.stringify(body) }));
  };
  const typeCode = async (label: string, code: unknown, button: string): Promise<void> => {
    await page.getByLabel(label).fill(String(code));
    await page.getByRole("button", { name: button, exact: true }).click();
  };
  const begin = async (code: unknown): Promise<void> => {
    await typeCode("Your code", code, "Start");
    await page.getByRole("heading", { name: "Before your visit" }).waitFor();
  };
  const listed = async (who: SignedIn, path: string): Promise<readonly string[]> => {
    const found = jsonOf(await who.ask("GET", path)) as Bundle;
    return (found.entry ?? []).map(({ resource }) => resource.id);
  };
  /** A visit of somebody else whom the clinician cares for. */
  const anotherVisit = async (): Promise<Visit> => {
    for (const id of await listed(clinician, "/fhir/Patient?_count=100")) {
      const [visit] = await listed(clinician, `/fhir/Encounter?patient=${id}&_count=1`);
      if (id !== wish.patient && visit !== undefined) return { patient: id, visit };
    }
    throw new Error("nobody else has a visit");
  };

  before(async () => {
    phylax = await startDeployment();
    const personas = createPersonas(phylax);
    patient = await personas.signIn(visitor(), "patient");
    const { patients } = jsonOf(await patient.ask("GET", "/api/identity/me"));
    const own = String((patients as readonly string[])[0]);
    // Of her own record: she may see her child's visits, too.
    const [visit = ""] = await listed(patient, `/fhir/Encounter?patient=${own}&_count=1`);
    wish = { patient: own, visit };
    clinician = await personas.signIn(visitor(), "clinician");
    const administrator = await personas.signIn(visitor(), "administrator");
    const made = await post(administrator, "/api/identity/admin/kiosks", { location: "desk" });
    kiosk = made["id"];
    browser = await openBrowser({ authority: phylax.authority() });
    page = await browser.newPage();
    await page.goto(`${phylax.origin}/kiosk`);
    await page.getByRole("button", { name: "Staff: set up this tablet" }).click();
    await typeCode("Set-up code", made["code"], "Set up");
    await page.getByLabel("Your code").waitFor();
  });
  after(async () => {
    await Promise.all(visitors.map((each) => each.close()));
    await browser?.close();
    await phylax?.remove();
  });

  test("the first hands in her answers", async () => {
    await picture("kiosk-code");
    const { code } = await post(patient, "/api/identity/kiosk-tickets", wish);
    await begin(code);
    await page.getByLabel("Why are you here today?").fill(secret);
    await picture("kiosk-form");
    await page.setViewportSize({ width: 390, height: 844 });
    await picture("kiosk-form-phone");
    await page.setViewportSize({ width: 1_024, height: 768 });
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("heading", { name: "Thank you" }).waitFor();
    await picture("kiosk-thanks");
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByLabel("Your code").waitFor();
  });

  test("nothing of her is in the page, its storage, its caches or behind the back button", async () => {
    const left = await page.evaluate<string>(whatIsLeft);
    assert.ok(!left.includes(secret) && !left.includes(wish.patient) && !left.includes(wish.visit));
    assert.match(left, /"phylax"/);
    await page.goBack();
    const shown = await page.content();
    assert.ok(!shown.includes(secret));
    await page.goto(`${phylax.origin}/kiosk`);
  });

  test("the next, whom a clinician hands over, finds an empty form and hands in her own", async () => {
    const next = await anotherVisit();
    const asked = { ...next, kiosk };
    const { code } = await post(clinician, "/api/identity/kiosk-tickets", asked);
    await begin(code);
    const reason = page.getByLabel("Why are you here today?");
    assert.equal(await reason.inputValue(), "");
    await reason.fill("an itch");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("heading", { name: "Thank you" }).waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByLabel("Your code").waitFor();
    const forms = await clinician.ask("GET", `/fhir/QuestionnaireResponse?patient=${next.patient}`);
    assert.match(forms.text, /an itch/);
    assert.ok(!forms.text.includes(secret));
    const first = await patient.ask("GET", "/fhir/QuestionnaireResponse");
    assert.ok(first.text.includes(secret) && !first.text.includes("an itch"));
  });

  test("a patient may stop, and what she wrote is nowhere", async () => {
    const { code } = await post(patient, "/api/identity/kiosk-tickets", wish);
    await begin(code);
    await page.getByLabel("Why are you here today?").fill("something else");
    await page.getByRole("button", { name: "Stop and erase" }).click();
    await page.getByLabel("Your code").waitFor();
    assert.ok(!(await page.content()).includes("something else"));
    assert.ok(!(await page.evaluate<string>(whatIsLeft)).includes("something else"));
    const kept = await patient.ask("GET", "/fhir/QuestionnaireResponse");
    assert.ok(!kept.text.includes("something else"));
  });
});
