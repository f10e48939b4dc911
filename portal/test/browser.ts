import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { chromium, type BrowserContext, type Page } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where this machine keeps Chromium; null when it has none. */
export function findChromium(): string | null {
  return places.find((place) => existsSync(place)) ?? null;
}

export interface Look {
  readonly theme: "light" | "dark";
  readonly width: number;
  readonly height: number;
}

/** WCAG 2.2 §1.4.10: what 1280 pixels are at 400 percent. */
export const narrow = { width: 320, height: 640 } as const;
export const phone = { width: 390, height: 844 } as const;
export const desktop = { width: 1280, height: 900 } as const;

export interface OpenBrowser {
  /** Folder of the profile. */
  readonly profile: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page was refused or said went wrong: must stay empty. */
  readonly complaints: string[];
}

/**
 * A fresh profile, or a copy of a closed browser's, in a Chromium that trusts one public key beside the
 * public authorities.
 */
export async function openBrowser(
  t: TestContext,
  options: { executable: string; spki: string; look: Look; copyOf?: string },
): Promise<OpenBrowser> {
  const profile = mkdtempSync(join(tmpdir(), "phylax-chromium-"));
  if (options.copyOf !== undefined) cpSync(options.copyOf, profile, { recursive: true });
  const { theme, width, height } = options.look;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: options.executable,
    headless: true,
    colorScheme: theme,
    reducedMotion: "reduce",
    viewport: { width, height },
    isMobile: width < 600,
    hasTouch: width < 600,
    locale: "en-US",
    timezoneId: "America/New_York",
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--ignore-certificate-errors-spki-list=${options.spki}`,
    ],
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    const isRefusedFetch = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefusedFetch) complaints.push(message.text());
  });
  return { profile, context, page, complaints };
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** Violations of WCAG 2.2 A and AA and of axe's best practices, each as rule and place. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(`axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + " at " + target.join(" ")))
  )`);
}

/** A built-in authenticator that always agrees, as a phone with a finger on it would. */
export async function addAuthenticator({ context, page }: OpenBrowser): Promise<void> {
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      hasPrf: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}
