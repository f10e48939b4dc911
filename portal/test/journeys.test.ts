import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  addAuthenticator,
  axeViolations,
  findChromium,
  openBrowser,
  phone,
  type OpenBrowser,
} from "./browser.ts";
import { openClinic, type OpenClinic } from "./clinic.ts";
import { fixtureLogin } from "./identity.ts";

const executable = findChromium();
const skip = executable === null ? "this machine has no Chromium" : false;
const options = { skip, timeout: 120_000 } as const;

interface Scene extends OpenBrowser {
  readonly clinic: OpenClinic;
}

async function openScene(t: TestContext): Promise<Scene> {
  const clinic = await openClinic(t);
  const look = { theme: "light", ...phone } as const;
  const browser = await openBrowser(t, { executable: executable ?? "", spki: clinic.spki, look });
  return { clinic, ...browser };
}

async function openHome({ clinic, page }: Scene): Promise<void> {
  clinic.isSignedIn = true;
  await page.goto(`${clinic.origin}/home`);
  await page.getByText("Who looked last").waitFor();
}

const pathOf = (scene: Scene): string => new URL(scene.page.url()).pathname;

test("a sign-up link makes a passkey, and the passkey signs in", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page, complaints } = scene;
  await addAuthenticator(scene);
  await page.goto(`${clinic.origin}/enrol#token=0123456789abcdef0123`);
  await page.getByRole("button", { name: "Set up my passkey" }).waitFor();
  assert.equal(page.url(), `${clinic.origin}/enrol`, "the token stays in the address");
  await page.getByLabel("Name for this passkey").fill("Ana’s phone");
  await page.getByRole("button", { name: "Set up my passkey" }).click();
  await page.getByText("You are all set").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.getByRole("button", { name: "Sign in now" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("Who looked last").waitFor();
  assert.equal(page.url(), `${clinic.origin}/home`, "the code stays in the address");
  assert.deepEqual(complaints, []);
});

test("a passkey that is not used leads to plain words and a password", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  await addAuthenticator(scene);
  await page.goto(`${clinic.origin}/sign-in/fixture`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("The passkey was not used").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await page.getByRole("button", { name: "Use a password instead" }).click();
  await page.getByLabel("User name").waitFor();
});

test(
  "a wrong password is told after the code, and all three are asked again",
  options,
  async (t) => {
    const { clinic, page } = await openScene(t);
    await page.goto(clinic.origin);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Use a password instead" }).click();
    const type = async (login: string, password: string, code: string): Promise<void> => {
      await page.getByLabel("User name").fill(login);
      await page.getByLabel("Password").fill(password);
      await page.keyboard.press("Enter");
      await page.getByLabel("6-digit code").fill(code);
      await page.keyboard.press("Enter");
    };
    await type(fixtureLogin.login, "guess", fixtureLogin.code);
    await page.getByText("That did not match").waitFor();
    await type(fixtureLogin.login, fixtureLogin.password, "123 456");
    await page.getByText("Who looked last").waitFor();
  },
);

test("a deep link comes back to its page after signing in", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  await addAuthenticator(scene);
  await page.goto(`${clinic.origin}/record/allergies`);
  await page.getByText("Please sign in").waitFor();
  clinic.isSignedIn = true;
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("What can happen").first().waitFor();
  assert.equal(pathOf(scene), "/record/allergies");
});

test("after signing out the back button shows nothing of the record", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page, complaints } = scene;
  await openHome(scene);
  await page.getByRole("link", { name: "My record", exact: true }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out").waitFor();
  assert.equal(clinic.isSignedIn, false);
  await page.goBack();
  await page.getByText("You are signed out").waitFor();
  assert.equal(await page.getByText("Delgado").count(), 0);
  await page.reload();
  await page.getByText("Please sign in").waitFor();
  assert.equal(await page.getByText("Delgado").count(), 0);
  assert.deepEqual(complaints, []);
});

test("signing out in one tab closes the record in the other", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page, context } = scene;
  await openHome(scene);
  const other = await context.newPage();
  await other.goto(`${clinic.origin}/record`);
  await other.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await other.getByText("You are signed out").waitFor();
  assert.equal(await other.getByText("Delgado").count(), 0);
});

test("a sign-out that the server does not hear of is told to the person", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  await openHome(scene);
  clinic.faults.set("/api/identity/sign-out", { status: 503, code: "upstream-unavailable" });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("We could not reach the clinic to end your session").waitFor();
  assert.deepEqual(await axeViolations(page), []);
});

test("someone away is asked, may stay, and else is signed out", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  clinic.me = { ...clinic.me, idleMs: 10_000 };
  await openHome(scene);
  await page.getByRole("alertdialog").waitFor({ timeout: 15_000 });
  assert.deepEqual(await axeViolations(page), []);
  await page.getByRole("button", { name: "Stay signed in" }).click();
  await page.getByRole("alertdialog").waitFor({ state: "detached" });
  await page.getByText("You were away for a while").waitFor({ timeout: 20_000 });
  assert.equal(clinic.isSignedIn, false);
  assert.equal(await page.getByText("Delgado").count(), 0);
});

test("a session that ended elsewhere leads to a friendly page", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  await openHome(scene);
  clinic.faults.set("/fhir/Immunization", { status: 401, code: "session-ended" });
  await page.getByRole("link", { name: "Vaccines" }).click();
  await page.getByText("Your session has ended").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  assert.equal(await page.getByText("Delgado").count(), 0);
});

test("without a network the page says so and tries again", options, async (t) => {
  const scene = await openScene(t);
  const { page, context } = scene;
  await openHome(scene);
  await page.getByRole("link", { name: "My record", exact: true }).click();
  await page.getByRole("link", { name: "Vaccines" }).first().click();
  await page.getByText("Lot").first().waitFor();
  await context.setOffline(true);
  await page.getByText("You are offline").waitFor();
  await page.getByRole("link", { name: "Allergies" }).first().click();
  await page.getByText("We can not reach the clinic").waitFor();
  assert.deepEqual(await axeViolations(page), []);
  await context.setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("What can happen").first().waitFor();
});

test("keys alone reach a result's history, and a new page takes the focus", options, async (t) => {
  const scene = await openScene(t);
  const { page } = scene;
  await openHome(scene);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the main part");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN");
  const place = "document.activeElement.className + document.activeElement.getAttribute('href')";
  for (let press = 0; press < 30; press += 1) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(place)) === "tile/record/results") break;
  }
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Test results", level: 1 }).waitFor();
  assert.equal(await page.evaluate("document.activeElement.textContent"), "Test results");
  assert.equal(await page.title(), "Test results · Phylax");
  const first = page.getByRole("button", { name: /Measured/ }).first();
  await first.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("table").first().waitFor();
});

test("markup in a record is shown as text and runs nowhere", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page, complaints } = scene;
  const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  const [patient = ""] = clinic.people.patient.patients;
  clinic.resources = [
    ...clinic.resources.filter(({ resourceType }) => resourceType === "Patient"),
    {
      resourceType: "Condition",
      id: "attack",
      subject: { reference: `Patient/${patient}` },
      code: { text: attack },
      note: [{ text: attack }],
    },
    {
      resourceType: "DocumentReference",
      id: "attack",
      status: "current",
      subject: { reference: `Patient/${patient}` },
      description: attack,
      content: [
        {
          attachment: {
            contentType: "text/plain",
            title: attack,
            data: Buffer.from(attack).toString("base64"),
          },
        },
        { attachment: { contentType: "text/html", data: Buffer.from(attack).toString("base64") } },
        { attachment: { contentType: "image/svg+xml", url: "javascript:document.title='owned'" } },
      ],
    },
  ];
  clinic.isSignedIn = true;
  await page.goto(`${clinic.origin}/record/problems`);
  await page.getByText(attack).first().waitFor();
  assert.equal(await page.getByText(attack).count(), 2);
  await page.goto(`${clinic.origin}/record/documents`);
  await page.getByRole("button", { name: /Read/ }).click();
  await page.getByRole("region", { name: attack }).waitFor();
  assert.equal(await page.getByText("can not be shown here").count(), 2);
  assert.equal(await page.title(), "Documents · Phylax");
  assert.deepEqual(complaints, []);
});

test(
  "on paper there is dark ink on white, whose record it is, and nothing to press",
  options,
  async (t) => {
    const clinic = await openClinic(t);
    const look = { theme: "dark", ...phone } as const;
    const { page } = await openBrowser(t, {
      executable: executable ?? "",
      spki: clinic.spki,
      look,
    });
    clinic.isSignedIn = true;
    await page.goto(`${clinic.origin}/record/medicines`);
    await page.getByText("How to take it").first().waitFor();
    await page.emulateMedia({ media: "print" });
    assert.deepEqual(await axeViolations(page), []);
    const ground = "getComputedStyle(document.body).backgroundColor";
    assert.equal(await page.evaluate(ground), "rgb(255, 255, 255)");
    assert.equal(await page.getByText("Born").isVisible(), true);
    assert.equal(await page.getByRole("button").count(), 0);
    assert.equal(await page.getByRole("navigation").count(), 0);
  },
);

test("nothing of a session is written down in the browser", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  await openHome(scene);
  const kept = await page.evaluate<string>(
    "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
  );
  assert.equal(kept, '[{},{},""]');
  assert.ok(!kept.includes(clinic.accessToken));
  const isReadable = `(async () => {
    const open = indexedDB.open("phylax");
    await new Promise((done) => open.addEventListener("success", done));
    const get = open.result.transaction("device").objectStore("device").get("dpop");
    await new Promise((done) => get.addEventListener("success", done));
    return get.result.privateKey.extractable;
  })()`;
  assert.equal(await page.evaluate(isReadable), false);
});

test("no page asks anyone but our own origin", options, async (t) => {
  const scene = await openScene(t);
  const { clinic, page } = scene;
  const strangers: string[] = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${clinic.origin}/`) && !url.startsWith("blob:")) strangers.push(url);
  });
  await page.goto(clinic.origin);
  await openHome(scene);
  await page.goto(`${clinic.origin}/record/results`);
  await page
    .getByRole("button", { name: /Measured/ })
    .first()
    .click();
  await page.getByRole("img", { name: /Chart of/ }).waitFor();
  assert.deepEqual(strangers, []);
});
