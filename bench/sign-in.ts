import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CDPSession, Page } from "playwright-core";
import { noBrowser, openBrowser, type Browser } from "../test/support/chromium.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import { enrol, signInWithPasskey } from "../test/support/portal-pages.ts";
import type { Figure } from "./figure.ts";

/** A middling phone on a slow 4G network, as Lighthouse takes it: 150 ms there and back, 1.6 Mbit/s. */
const phone = { width: 412, height: 823 };
const network = {
  offline: false,
  latency: 150,
  downloadThroughput: (1.6 * 1_000_000) / 8,
  uploadThroughput: (0.75 * 1_000_000) / 8,
};
const cpuSlowdown = 4;
const rounds = 5;

/** Where the person comes from, and what of her record is to be seen where the sign-in leads. */
const ways = [
  { name: "home", from: "/", shown: "/home .news-item .news-name" },
  { name: "her results", from: "/record/results", shown: "/record/results .record-section li" },
] as const;
type Way = (typeof ways)[number];

/**
 * Runs in each page: notes when the press on the sign-in page came, and when the record was painted.
 * The wall clock is one for all pages of the way.
 */
const watch = `{
  const ways = ${JSON.stringify(ways.map(({ shown }) => shown))};
  addEventListener("pointerdown", () => {
    if (location.pathname.startsWith("/sign-in/")) sessionStorage.setItem("pressed", Date.now());
  }, true);
  const observer = new MutationObserver(() => {
    for (const way of ways) {
      const [path, ...selector] = way.split(" ");
      if (location.pathname !== path || !document.querySelector(selector.join(" "))) continue;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => { globalThis.shownAt = Date.now(); }));
    }
  });
  observer.observe(document, { childList: true, subtree: true });
}`;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

interface SlowPage {
  readonly page: Page;
  readonly devtools: CDPSession;
  /** What came over the network until now, headers and all. */
  readonly bytes: () => number;
}

async function slowDown({ context }: Browser, page: Page): Promise<SlowPage> {
  const devtools = await context.newCDPSession(page);
  let bytes = 0;
  await page.addInitScript(watch);
  await devtools.send("Network.enable");
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await devtools.send("Network.emulateNetworkConditions", network);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: cpuSlowdown });
  return { page, devtools, bytes: () => bytes };
}

interface Took {
  readonly ms: number;
  readonly bytes: number;
}

/** As a person comes for the first time: nothing kept, to the sign-in page, and from there on timed. */
async function signInOnce(phylax: TestDeployment, slow: SlowPage, way: Way): Promise<Took> {
  const { page, devtools, bytes } = slow;
  await page.context().clearCookies();
  await devtools.send("Network.clearBrowserCache");
  await page.goto(phylax.origin + way.from);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  const press = page.getByRole("button", { name: "Sign in with a passkey" });
  await press.waitFor();
  await page.waitForLoadState("networkidle");
  const before = bytes();
  await press.click();
  await page.waitForFunction(() => "shownAt" in globalThis, undefined, { polling: 200 });
  const ms = await page.evaluate<number>("shownAt - Number(sessionStorage.getItem('pressed'))");
  return { ms, bytes: bytes() - before };
}

/** One page of this many bytes and nothing else, from a server that does nothing else. */
async function loadBarePage({ page }: SlowPage, bytes: number): Promise<number> {
  const body = `<!doctype html><title>x</title><p>${"x".repeat(Math.max(0, bytes - 40))}</p>`;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html", "cache-control": "no-store" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await page.goto(`http://localhost:${port}/`);
    return await page.evaluate<number>("performance.getEntriesByType('navigation')[0].duration");
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function measureWay(phylax: TestDeployment, slow: SlowPage, way: Way): Promise<Figure> {
  const took: Took[] = [];
  const bare: number[] = [];
  while (took.length < rounds) {
    const once = await signInOnce(phylax, slow, way);
    took.push(once);
    bare.push(await loadBarePage(slow, once.bytes));
  }
  const ms = median(took.map((each) => each.ms));
  const kB = Math.round(median(took.map((each) => each.bytes)) / 1_000);
  return {
    name: `sign-in page to ${way.name}, phone on slow 4G`,
    value: ms / 1_000,
    unit: "s",
    ceiling: 3,
    ratio: ms / median(bare),
    against: `a bare page of the same ${kB} kB`,
  };
}

/** How long a person with a slow phone waits, once her passkey said who she is, for her record. */
export async function run(): Promise<readonly Figure[]> {
  if (noBrowser !== false) throw new Error(noBrowser);
  const phylax = await startDeployment();
  const browser = await openBrowser({ authority: phylax.authority(), viewport: phone });
  try {
    const page = await browser.newPage();
    await browser.addAuthenticator(page);
    await page.goto(printedSignIn(phylax.output(), "patient").link);
    await enrol(page);
    await signInWithPasskey(page);
    const slow = await slowDown(browser, page);
    const figures: Figure[] = [];
    for (const way of ways) figures.push(await measureWay(phylax, slow, way));
    return figures;
  } finally {
    await browser.close();
    await phylax.remove();
  }
}
