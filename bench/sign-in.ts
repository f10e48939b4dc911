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

/** The pages that a sign-in ends at, and what of the record is to be seen there. */
const ends = {
  home: { path: "/home", shown: ".news-item .news-name" },
  results: { path: "/record/results", shown: "main li" },
} as const;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Slows the page's network and processor down, and counts the bytes that come. */
async function slowDown({ context }: Browser, page: Page): Promise<{ bytes: number }> {
  const devtools: CDPSession = await context.newCDPSession(page);
  const came = { bytes: 0 };
  await devtools.send("Network.enable");
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
    came.bytes += encodedDataLength;
  });
  await devtools.send("Network.emulateNetworkConditions", network);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: cpuSlowdown });
  return came;
}

interface Took {
  readonly ms: number;
  /** As they came over the network, headers and all. */
  readonly bytes: number;
}

/** From the press on "sign in" on the loaded sign-in page until the record's first line is there. */
async function signInTo(
  phylax: TestDeployment,
  page: Page,
  came: { bytes: number },
  { path, shown }: (typeof ends)[keyof typeof ends],
): Promise<Took> {
  await page.context().clearCookies();
  await page.goto(`${phylax.origin}${path}`);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  const press = page.getByRole("button", { name: "Sign in with a passkey" });
  await press.waitFor();
  await page.waitForLoadState("networkidle");
  const before = came.bytes;
  const began = performance.now();
  await press.click();
  await page.locator(shown).first().waitFor();
  return { ms: performance.now() - began, bytes: came.bytes - before };
}

/** One page of this many bytes and nothing else, from a server that does nothing else. */
async function barePage(page: Page, bytes: number): Promise<number> {
  const body = `<!doctype html><title>x</title><p>${"x".repeat(Math.max(0, bytes - 40))}<p id=end>`;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html", "cache-control": "no-store" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const began = performance.now();
    await page.goto(`http://localhost:${port}/`);
    await page.locator("#end").waitFor({ state: "attached" });
    return performance.now() - began;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function measure(phylax: TestDeployment, browser: Browser): Promise<readonly Figure[]> {
  const page = await browser.newPage();
  await browser.addAuthenticator(page);
  await page.goto(printedSignIn(phylax.output(), "patient").link);
  await enrol(page);
  await signInWithPasskey(page);
  const came = await slowDown(browser, page);
  const figures: Figure[] = [];
  for (const [name, end] of Object.entries(ends)) {
    const took: Took[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      took.push(await signInTo(phylax, page, came, end));
      bare.push(await barePage(page, took.at(-1)?.bytes ?? 0));
    }
    const seconds = median(took.map(({ ms }) => ms)) / 1_000;
    const kB = median(took.map(({ bytes }) => bytes)) / 1_000;
    figures.push({
      name: `sign-in page to her record, ${name}, slow 4G phone`,
      value: seconds,
      unit: "s",
      ceiling: 3,
      ratio: seconds / (median(bare) / 1_000),
      against: `a bare page of the same ${Math.round(kB)} kB`,
    });
  }
  return figures;
}

/** How long a person with a slow phone waits from her passkey to her record. */
export async function run(): Promise<readonly Figure[]> {
  if (noBrowser !== false) throw new Error(noBrowser);
  const phylax = await startDeployment();
  const browser = await openBrowser({ authority: phylax.authority(), viewport: phone });
  try {
    return await measure(phylax, browser);
  } finally {
    await browser.close();
    await phylax.remove();
  }
}
