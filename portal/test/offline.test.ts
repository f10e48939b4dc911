import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import {
  addAuthenticator,
  axeViolations,
  desktop,
  findChromium,
  narrow,
  openBrowser,
  phone,
  type Look,
} from "./browser.ts";
import { openClinic } from "./clinic.ts";

const executable = findChromium();
const skip = executable === null ? "this machine has no Chromium" : false;
const options = { skip, timeout: 180_000 };
const pictures = join(tmpdir(), "phylax-portal-pictures");
const hourMs = 3_600_000;

async function open(t: TestContext) {
  const clinic = await openClinic(t);
  const look = { theme: "light", ...phone } as const;
  const browser = await openBrowser(t, {
    executable: executable ?? "",
    spki: clinic.spki,
    look,
  });
  await addAuthenticator(browser);
  clinic.isSignedIn = true;
  const { page, context } = browser;
  const home = async (): Promise<void> => {
    await page.goto(`${clinic.origin}/home`);
    await page.getByText("Who looked last").waitFor();
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
  };
  const offline = async (): Promise<void> => {
    await context.setOffline(true);
    await page.goto(`${clinic.origin}/home`);
    await page.getByRole("heading", { name: "You are offline" }).waitFor();
  };
  return { clinic, ...browser, home, offline };
}

type Scene = Awaited<ReturnType<typeof open>>;

async function addPasskey({ clinic, page }: Scene): Promise<void> {
  await page.goto(`${clinic.origin}/account`);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Pocket phone");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("heading", { name: "Pocket phone" }).waitFor();
}

/** On the page of her devices: makes a passkey and has the browser keep her summary. */
async function keepSummary(scene: Scene): Promise<void> {
  const { clinic, page } = scene;
  await addPasskey(scene);
  await page.goto(`${clinic.origin}/account/devices`);
  await page.getByRole("button", { name: "Keep it here" }).click();
  await page.getByText("Your summary is kept here").waitFor();
}

const showing = (page: Page) => page.getByRole("button", { name: "Show my summary" });
const shown = (page: Page) => page.getByRole("heading", { name: "My summary" });

/** What stands in the browser's storage: the state, and whether a script could take a key out. */
const keptOf = (page: Page): Promise<unknown> =>
  page.evaluate(`(async () => {
    const settled = (request) => new Promise((done, failed) => {
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    const database = await settled(indexedDB.open("phylax-offline", 1));
    if (!database.objectStoreNames.contains("kept")) return null;
    const kept = await settled(database.transaction("kept").objectStore("kept").get("summary"));
    database.close();
    if (kept === undefined) return null;
    const keys = [kept.key].filter((key) => key !== undefined);
    const exported = await Promise.all(
      keys.map((key) => crypto.subtle.exportKey("raw", key).then(() => true, () => false)),
    );
    return { state: kept.state, exported, sealed: kept.sealed ?? null };
  })()`);

const stateOf = async (page: Page): Promise<string | null> =>
  ((await keptOf(page)) as { state: string } | null)?.state ?? null;

/** As two hours after the last renewal. */
const letRenewalAge = (page: Page): Promise<unknown> =>
  page.evaluate(`(async () => {
    const settled = (request) => new Promise((done) => {
      request.onsuccess = () => done(request.result);
    });
    const database = await settled(indexedDB.open("phylax-offline", 1));
    const store = database.transaction("kept", "readwrite").objectStore("kept");
    const kept = await settled(store.get("summary"));
    kept.renewedAtMs -= ${2 * hourMs};
    await settled(store.put(kept, "summary"));
    database.close();
  })()`);

async function untilNothingIsKept(page: Page): Promise<void> {
  while ((await stateOf(page)) !== null) await page.waitForTimeout(50);
}

async function look(scene: Scene, name: string): Promise<void> {
  const { page } = scene;
  mkdirSync(pictures, { recursive: true });
  for (const theme of ["light", "dark"] as const)
    for (const [size, { width, height }] of Object.entries({ narrow, phone, desktop })) {
      await page.emulateMedia({ colorScheme: theme satisfies Look["theme"] });
      await page.setViewportSize({ width, height });
      assert.deepEqual(await axeViolations(page), [], `${name} ${theme} ${size}`);
      const over = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.equal(over, 0, `${name} ${size} is wider than the screen`);
      await page.screenshot({ path: join(pictures, `${name}-${theme}-${size}.png`) });
    }
}

test(
  "without a connection the portal says so, and has kept nothing but that page",
  options,
  async (t) => {
    const scene = await open(t);
    const { page, complaints } = scene;
    await scene.home();
    assert.deepEqual(complaints, []);
    const session = await scene.context.newCDPSession(page);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    assert.deepEqual(installabilityErrors, []);
    await scene.offline();
    await page.getByText("Nothing of your record is kept").waitFor();
    await look(scene, "offline-none");
    const kept = (await page.evaluate(`(async () => {
      const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
      const requests = await Promise.all(caches_.map((cache) => cache.keys()));
      return requests.flat().map(({ url }) => new URL(url).pathname).sort();
    })()`)) as readonly string[];
    const others = kept.filter((path) => !/^\/assets\/[\w.-]+\.(?:js|css)$/.test(path));
    assert.deepEqual(others, ["/favicon.svg", "/offline.html"]);
    assert.ok(kept.length > 3);
  },
);

test(
  "a summary kept on the device opens offline by the passkey, and hides again",
  options,
  async (t) => {
    const scene = await open(t);
    const { page, complaints, clinic } = scene;
    await scene.home();
    await keepSummary(scene);
    await look(scene, "offline-switch-on");
    const kept = (await keptOf(page)) as { exported: readonly boolean[]; sealed: string };
    assert.deepEqual(kept.exported, [false]);
    const name = clinic.me.displayName.split(" ")[0] ?? "";
    assert.ok(!Buffer.from(kept.sealed, "base64url").includes(name));
    assert.deepEqual(complaints, []);
    await scene.offline();
    assert.equal(await shown(page).count(), 0);
    await look(scene, "offline-ready");
    await showing(page).click();
    await shown(page).waitFor();
    await page.getByRole("heading", { name: "Medicines" }).waitFor();
    assert.ok((await page.locator(".item").count()) > 3);
    await look(scene, "offline-summary");
    await page.getByRole("button", { name: "Hide it" }).click();
    await showing(page).waitFor();
    assert.equal(await page.locator(".item").count(), 0);
  },
);

test(
  "a summary whose lease has run out is deleted, and no clock brings it back",
  options,
  async (t) => {
    const scene = await open(t);
    const { page } = scene;
    await scene.home();
    await keepSummary(scene);
    const now = Date.now();
    await page.clock.setSystemTime(now + 71 * hourMs);
    await scene.offline();
    await showing(page).waitFor();
    await page.clock.setSystemTime(now + 73 * hourMs);
    await page.reload();
    await page.getByText("its time has run out").waitFor();
    assert.equal(await stateOf(page), "run-out");
    await look(scene, "offline-over");
    await page.clock.setSystemTime(now);
    await page.reload();
    await page.getByText("its time has run out").waitFor();
    const kept = (await keptOf(page)) as { exported: readonly boolean[]; sealed: null };
    assert.deepEqual([kept.exported, kept.sealed], [[], null]);
  },
);

test(
  "a clock turned back behind what the device has seen deletes the summary",
  options,
  async (t) => {
    const scene = await open(t);
    const { page } = scene;
    await scene.home();
    await keepSummary(scene);
    const now = Date.now();
    await page.clock.setSystemTime(now + 20 * hourMs);
    await scene.offline();
    await showing(page).waitFor();
    await page.clock.setSystemTime(now + 10 * hourMs);
    await page.reload();
    await page.getByText("its time has run out").waitFor();
    assert.equal(await stateOf(page), "run-out");
  },
);

test("a summary stays shut to another passkey", options, async (t) => {
  const scene = await open(t);
  const { page, context } = scene;
  await scene.home();
  await keepSummary(scene);
  await scene.offline();
  const other = await context.newPage();
  await addAuthenticator({ ...scene, page: other });
  await other.goto(`${scene.clinic.origin}/home`);
  await showing(other).click();
  await other.getByRole("alert").waitFor();
  assert.equal(await shown(other).count(), 0);
  await page.close();
});

test("a copied profile without the passkey shows nothing", options, async (t) => {
  const scene = await open(t);
  await scene.home();
  await keepSummary(scene);
  await scene.offline();
  await scene.context.close();
  const { spki } = scene.clinic;
  const look = { theme: "light", ...phone } as const;
  const thief = await openBrowser(t, {
    executable: executable ?? "",
    spki,
    look,
    copyOf: scene.profile,
  });
  await addAuthenticator(thief);
  await thief.context.setOffline(true);
  await thief.page.goto(`${scene.clinic.origin}/home`);
  await showing(thief.page).click();
  await thief.page.getByRole("alert").waitFor();
  assert.equal(await shown(thief.page).count(), 0);
  assert.equal(await stateOf(thief.page), "readable");
});

test(
  "a lease that ended on the server takes the summary along at the next start",
  options,
  async (t) => {
    const scene = await open(t);
    const { clinic, page } = scene;
    await scene.home();
    await keepSummary(scene);
    assert.ok(clinic.account.lease !== null);
    clinic.account.lease.isEnded = true;
    // As on a device that is lost: nobody gets in there any more.
    clinic.isSignedIn = false;
    await page.goto(`${clinic.origin}/`);
    await untilNothingIsKept(page);
    await scene.offline();
    await page.getByText("Nothing of your record is kept").waitFor();
  },
);

test("signing out deletes the summary, and so does switching it off", options, async (t) => {
  const scene = await open(t);
  const { clinic, page } = scene;
  await scene.home();
  await keepSummary(scene);
  await page.getByRole("button", { name: "Delete it here" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it here" }).click();
  await page.getByText("Your summary is deleted here").waitFor();
  assert.equal(await stateOf(page), null);
  assert.equal(clinic.account.lease?.isEnded, true);
  await page.getByRole("button", { name: "Keep it here" }).click();
  await page.getByText("Your summary is kept here").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await untilNothingIsKept(page);
});

test("one who signs in again has the lease renewed, once an hour at most", options, async (t) => {
  const scene = await open(t);
  const { clinic, page } = scene;
  await scene.home();
  await keepSummary(scene);
  const { lease } = clinic.account;
  await scene.home();
  assert.equal(lease?.renewed, 0);
  await letRenewalAge(page);
  const renewed = page.waitForResponse((response) => response.url().endsWith("/renew"));
  await scene.home();
  await renewed;
  assert.equal(lease?.renewed, 1);
});

test("a passkey that cannot lock anything keeps nothing", options, async (t) => {
  const scene = await open(t);
  const { clinic, page } = scene;
  await scene.home();
  await page.addInitScript(`
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = (asked) => {
      delete asked.publicKey.extensions;
      return get(asked);
    };`);
  await addPasskey(scene);
  await page.goto(`${clinic.origin}/account/devices`);
  await page.getByRole("button", { name: "Keep it here" }).click();
  await page.getByText("Your passkey can not lock a copy").waitFor();
  assert.equal(await stateOf(page), null);
  assert.equal(clinic.account.lease, null);
});

test("what another device keeps is shown, and ended from here", options, async (t) => {
  const scene = await open(t);
  const { clinic, page } = scene;
  const at = (hours: number): string => new Date(Date.now() + hours * hourMs).toISOString();
  const times = { givenAt: at(-200), renewedAt: at(-20), endsAt: at(52) };
  const ids = { id: "elsewhere", device: "tablet", patient: clinic.me.patients[0] ?? "" };
  clinic.account.otherLeases = [{ ...ids, ...times, isThis: false }];
  await page.goto(`${clinic.origin}/account/devices`);
  await page.getByText("Kept on your other devices").waitFor();
  await page.getByText("Can be read there until").waitFor();
  await look(scene, "offline-elsewhere");
  await page.getByRole("button", { name: "Delete it there: kept since" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it there" }).click();
  await page.getByText("Kept on your other devices").waitFor({ state: "detached" });
  assert.deepEqual(clinic.account.otherLeases, []);
});
