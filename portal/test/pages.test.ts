import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  axeViolations,
  desktop,
  findChromium,
  narrow,
  openBrowser,
  phone,
  type Look,
  type OpenBrowser,
} from "./browser.ts";
import { readyToken } from "./entry.ts";
import { madeUpAccount } from "./account.ts";
import { openClinic, type OpenClinic, type Persona } from "./clinic.ts";

const executable = findChromium();
const skip = executable === null ? "this machine has no Chromium" : false;
const pictures = join(tmpdir(), "phylax-portal-pictures");

interface Visit {
  readonly name: string;
  readonly path: string;
  readonly as: Persona | "nobody";
  /** Words that must stand on the page. */
  readonly shows: string | RegExp;
  readonly before?: (clinic: OpenClinic) => void;
  readonly act?: (browser: OpenBrowser) => Promise<void>;
}

function visitsOf(clinic: OpenClinic): readonly Visit[] {
  const cared = clinic.people.patient.patients[0] ?? "";
  const patient = (path: string, shows: Visit["shows"], more: Partial<Visit> = {}): Visit => ({
    name: path.slice(1).replaceAll("/", "-"),
    path,
    as: "patient",
    shows,
    ...more,
  });
  const fault = (path: string, status: number, code: string) => (to: OpenClinic) => {
    to.faults.set(path, { status, code });
  };
  const open =
    (name: string | RegExp) =>
    async ({ page }: OpenBrowser) => {
      await page.getByRole("button", { name }).first().click();
    };
  return [
    { name: "landing", path: "/", as: "nobody", shows: "Your health record" },
    { name: "sign-in", path: "/sign-in/fixture", as: "nobody", shows: "Sign in with a passkey" },
    {
      name: "sign-in-staff",
      path: "/sign-in/fixture",
      as: "nobody",
      shows: "Sign in with St. Mary Hospital",
      before: (to) => {
        to.outside = [{ id: "st-mary", label: "St. Mary Hospital" }];
      },
    },
    {
      name: "sign-in-outside-down",
      path: "/sign-in/fixture",
      as: "nobody",
      shows: "does not answer",
      before: (to) => {
        to.outside = [{ id: "st-mary", label: "St. Mary Hospital" }];
        to.faults.set("/sign-in/fixture/outside/begin", {
          status: 502,
          code: "outside-unavailable",
        });
      },
      act: open("Sign in with St. Mary Hospital"),
    },
    {
      name: "sign-in-approval",
      path: "/sign-in/fixture",
      as: "nobody",
      shows: "7Q4K Z0XM",
      before: (to) => {
        to.isBack = true;
      },
    },
    {
      name: "sign-in-password",
      path: "/sign-in/fixture",
      as: "nobody",
      shows: "Password",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Use a password instead" }).click();
        await page.getByRole("button", { name: "Next" }).click();
      },
    },
    {
      name: "sign-in-code",
      path: "/sign-in/fixture",
      as: "nobody",
      shows: "6-digit code",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Use a password instead" }).click();
        await page.getByLabel("User name").fill("ana");
        await page.getByLabel("Password").fill("wrong");
        await page.getByRole("button", { name: "Next" }).click();
      },
    },
    {
      name: "sign-in-over",
      path: "/sign-in/fixture",
      as: "nobody",
      shows: "This sign-in is over",
      before: fault("/sign-in/fixture/state", 401, "sign-in-expired"),
    },
    {
      name: "enrol",
      path: "/enrol#token=0123456789abcdef0123",
      as: "nobody",
      shows: "Set up my passkey",
    },
    { name: "enrol-no-link", path: "/enrol", as: "nobody", shows: "needs your sign-up link" },
    {
      name: "enrol-used",
      path: "/enrol#token=0123456789abcdef0123",
      as: "nobody",
      shows: "no longer works",
      before: fault("/api/identity/enrol/begin", 403, "enrolment-link-refused"),
    },
    { name: "invitation", path: "/invitation", as: "nobody", shows: "Use your code" },
    {
      name: "invitation-refused",
      path: "/invitation",
      as: "nobody",
      shows: "The code or the date of birth is wrong",
      act: async ({ page }) => {
        await page.getByLabel("Code", { exact: true }).fill("0000-0000-0000");
        await page.getByLabel("Your date of birth").fill("1980-02-03");
        await page.getByRole("button", { name: "Next" }).click();
      },
    },
    { name: "recovery", path: "/recovery", as: "nobody", shows: "Recovery code" },
    {
      name: "recover-waiting",
      path: "/recovery",
      as: "nobody",
      shows: "Now you have to wait",
      act: async ({ page }) => {
        await page.getByLabel("Recovery code").fill("7K3Q-F9XW-MA40-0RST");
        await page.getByRole("button", { name: "Start the wait" }).click();
      },
    },
    {
      name: "recover-ready",
      path: `/recovery#token=${readyToken}`,
      as: "nobody",
      shows: "The wait is over",
    },
    {
      name: "recover-refused",
      path: `/recovery#token=${readyToken}`,
      as: "nobody",
      shows: "This way back is closed",
      before: fault("/api/identity/recovery/status", 403, "recovery-refused"),
    },
    { name: "consent", path: "/consent/fixture", as: "nobody", shows: "Let Heart Diary see" },
    {
      name: "consent-nobody-picked",
      path: "/consent/fixture",
      as: "nobody",
      shows: "Please say whose record it is",
      act: open("Allow"),
    },
    {
      name: "callback-stopped",
      path: "/callback",
      as: "nobody",
      shows: "The sign-in did not finish",
    },
    { name: "closed", path: "/record", as: "nobody", shows: "Please sign in" },
    patient("/home", "Who looked last"),
    patient("/record", "Overview"),
    patient("/record", "Open Heart Diary", { name: "record-open-app", act: open("Open an app") }),
    patient("/record/problems", "Now"),
    patient("/record/medicines", "How to take it"),
    patient("/record/allergies", "What can happen"),
    patient("/record/immunisations", "vaccine"),
    patient("/record/results", "Lab tests"),
    patient("/record/results", "All values of", {
      name: "record-results-open",
      act: open(/Measured [2-9]|Measured \d\d/),
    }),
    patient("/record/results", "diastolic", {
      name: "record-results-pressure",
      act: open(/lood pressure/),
    }),
    patient("/record/visits", /visit/i),
    patient("/record/documents", "Read"),
    patient("/record/documents", "Close", { name: "record-documents-open", act: open(/^Read/) }),
    patient("/record/problems", "not answering", {
      name: "record-failed",
      before: fault("/fhir/Condition", 503, "key-unavailable"),
    }),
    patient("/record/problems", "You can not see this", {
      name: "record-forbidden",
      before: fault("/fhir/Condition", 403, "forbidden"),
    }),
    patient("/record/problems", "Show that it is you", {
      name: "record-step-up",
      before: fault("/fhir/Condition", 401, "sign-in-insufficient"),
    }),
    patient("/record/problems", "No health problems are recorded", {
      name: "record-empty",
      before: (to) => {
        to.resources = to.resources.filter(({ resourceType }) => resourceType !== "Condition");
      },
    }),
    patient("/record/nowhere", "There is no such part"),
    patient("/access", "Stopped"),
    patient("/download", "For another app or clinic"),
    patient("/download", "Look for health-record-2026-01-31.pdf", {
      name: "download-done",
      act: open(/^Download: To print/),
    }),
    patient("/download", "There is a lot going on", {
      name: "download-failed",
      before: fault("/api/records/exports", 503, "overloaded"),
      act: open(/^Download: To print/),
    }),
    patient("/requests", "Your requests"),
    patient("/requests", "Please say what you need", {
      name: "requests-empty",
      act: open("Send my request"),
    }),
    patient("/account", "Computer at work"),
    patient("/account", "So that you can tell", {
      name: "account-add-passkey",
      act: open("Add a passkey"),
    }),
    patient("/account", "First show that it is you", {
      name: "account-step-up",
      before: fault("/api/identity/account/passkeys/phone", 403, "step-up-needed"),
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Remove Ana’s phone" }).click();
        await page.getByRole("button", { name: "Remove", exact: true }).click();
      },
    }),
    patient("/account", "These codes are shown only now", {
      name: "account-codes",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Make new codes" }).click();
        await page.getByRole("alertdialog").getByRole("button", { name: "Make new codes" }).click();
      },
    }),
    patient("/account", "Someone asked to get back", {
      name: "account-alarm",
      before: (to) => {
        const readyAt = new Date(Date.now() + 86_400_000).toISOString();
        to.account.recoveries = [{ id: "r", way: "code", readyAt }];
      },
    }),
    patient("/account/devices", "This device"),
    patient("/account/devices", "Does it show this number?", {
      name: "account-devices-second",
      act: open("Add a device"),
    }),
    patient("/account/devices", "Sign out everywhere?", {
      name: "account-devices-everywhere",
      act: open("Sign out everywhere"),
    }),
    patient("/account/apps", "Heart Diary"),
    patient("/account/people", "Marta Ruiz"),
    patient("/account/people", "Please type their name", {
      name: "account-people-invite",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Invite someone" }).click();
        await page.getByRole("button", { name: "Make the invitation" }).click();
      },
    }),
    patient("/account/people", "Please type the code", {
      name: "account-people-take-up",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Use a code that I was given" }).click();
        await page.getByRole("button", { name: "Use the code" }).click();
      },
    }),
    patient("/account/people", "That did not match", {
      name: "account-people-refused-code",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Use a code that I was given" }).click();
        await page.getByLabel("The code on the paper").fill("ABCD-EFGH");
        await page.getByLabel("Your date of birth").fill("1970-02-03");
        await page.getByRole("button", { name: "Use the code" }).click();
      },
    }),
    patient("/account/people", "Scan this with a phone", {
      name: "account-people-sheet",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Invite someone" }).click();
        await page.getByLabel("Their name").fill("Jo Ruiz");
        await page.getByLabel("Their date of birth").fill("1970-02-03");
        await page.getByRole("button", { name: "Make the invitation" }).click();
      },
    }),
    patient("/account/language", "My language"),
    patient("/administration", "Sealed in its envelope", { as: "administrator" }),
    patient("/administration", "Pick at least one", {
      name: "administration-invite",
      as: "administrator",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Invite someone" }).click();
        await page.getByRole("button", { name: "Make the invitation" }).click();
      },
    }),
    patient("/administration/people/ana", "Who acts for this person", { as: "administrator" }),
    patient("/administration/people/ana", "The wait has started", {
      name: "administration-recovery",
      as: "administrator",
      act: async ({ page }) => {
        await page.getByLabel("What did you see?").fill("Passport, at the desk");
        await page.getByRole("button", { name: "Start the wait" }).click();
      },
    }),
    patient("/administration/people/key", "Put this page in an envelope", {
      name: "administration-seal",
      as: "administrator",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Seal again" }).click();
        await page.getByRole("alertdialog").getByRole("button", { name: "Seal again" }).click();
      },
    }),
    patient("/administration/apps", "Waiting for you", { as: "administrator" }),
    patient("/administration/apps", "Please type at least one scope", {
      name: "administration-apps-register",
      as: "administrator",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Register an app" }).click();
        await page.getByRole("button", { name: "Register", exact: true }).click();
      },
    }),
    patient("/administration", "You can not see this", { name: "administration-forbidden" }),
    patient("/duplicates", "To decide", { as: "officer" }),
    patient("/duplicates", "Please write down how you know", {
      name: "duplicates-decide",
      as: "officer",
      act: async ({ page }) => {
        await page.getByText("Decide on Zoë").click();
        await page.getByText("Keep the first chart in use").click();
        await page.getByRole("button", { name: "Record my decision" }).first().click();
      },
    }),
    patient(`/patients/${cared}`, "Is this an emergency?", {
      name: "emergency-door",
      as: "clinician",
      before: fault(`/fhir/Patient/${cared}`, 403, "forbidden"),
    }),
    patient(`/patients/${cared}`, "Please write why", {
      name: "emergency-door-reason",
      as: "clinician",
      before: fault(`/fhir/Patient/${cared}`, 403, "forbidden"),
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Open the chart in an emergency" }).click();
        await page.getByRole("button", { name: "Open the chart", exact: true }).click();
      },
    }),
    patient(`/patients/${cared}`, "Open in an emergency until", {
      name: "emergency-banner",
      as: "clinician",
      before: (to) => {
        to.isEmergency = true;
      },
    }),
    patient("/emergencies", "Another officer looks at it", { as: "officer" }),
    patient("/emergencies", "Please write down what makes you say so", {
      name: "emergencies-review",
      as: "officer",
      act: async ({ page }) => {
        await page.getByRole("button", { name: "Write down what you find about Ana Ruiz" }).click();
        await page.getByText("It was not needed").click();
        await page.getByRole("button", { name: "Record this" }).click();
      },
    }),
    patient("/register", "To answer", { as: "officer" }),
    patient("/register", "On which grounds?", {
      name: "register-deny",
      as: "officer",
      act: async ({ page }) => {
        await page
          .getByRole("button", { name: /^Answer Ana/ })
          .first()
          .click();
        await page.getByText("I deny all or some of it").click();
        await page.getByRole("button", { name: "Record this" }).click();
      },
    }),
    patient("/home", "No record is linked", { name: "home-newcomer", as: "newcomer" }),
    patient("/home", "Fingerprint of all entries", { name: "home-officer", as: "officer" }),
    patient("/patients", "People in your care", { as: "clinician" }),
    patient(`/patients/${cared}`, "All patients", { name: "patient", as: "clinician" }),
    patient(`/patients/${cared}/results`, "Lab tests", {
      name: "patient-results",
      as: "clinician",
    }),
  ];
}

async function visit(clinic: OpenClinic, browser: OpenBrowser, { look, one }: Stop): Promise<void> {
  clinic.faults.clear();
  clinic.outside = [];
  clinic.isBack = false;
  clinic.isEmergency = false;
  const kept = clinic.resources;
  clinic.account = madeUpAccount();
  clinic.isSignedIn = one.as !== "nobody";
  clinic.me = clinic.people[one.as === "nobody" ? "patient" : one.as];
  one.before?.(clinic);
  const { page, complaints } = browser;
  await page.goto("about:blank");
  await page.goto(`${clinic.origin}${one.path}`);
  await one.act?.(browser);
  await page.getByText(one.shows).first().waitFor({ timeout: 10_000 });
  await page.locator(".waiting").first().waitFor({ state: "detached" });
  const picture = `${one.name}-${look.theme}-${look.width}.png`;
  await page.screenshot({ path: join(pictures, picture), fullPage: true });
  assert.deepEqual(await axeViolations(page), [], `axe on ${one.name}`);
  const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  assert.equal(await page.evaluate(overflow), 0, `${one.name} is wider than its window`);
  assert.deepEqual(complaints, [], `the browser complains on ${one.name}`);
  clinic.resources = kept;
}

interface Stop {
  readonly look: Look;
  readonly one: Visit;
}

const looks: readonly Look[] = [
  { theme: "light", ...phone },
  { theme: "dark", ...narrow },
  { theme: "light", ...desktop },
  { theme: "dark", ...desktop },
];

for (const look of looks) {
  const name = `every page is sound in ${look.theme} at ${look.width} pixels`;
  test(name, { skip, timeout: 300_000 }, async (t: TestContext) => {
    mkdirSync(pictures, { recursive: true });
    const clinic = await openClinic(t);
    const browser = await openBrowser(t, { executable: executable ?? "", spki: clinic.spki, look });
    for (const one of visitsOf(clinic)) {
      await t.test(one.name, () => visit(clinic, browser, { look, one }));
      browser.complaints.length = 0;
    }
  });
}
