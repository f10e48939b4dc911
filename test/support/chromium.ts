import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";

export const chromiumPath = "/usr/bin/chromium";

/** Why the browser tests cannot run here; false when they can. For node:test's `skip`. */
export const noBrowser: string | false = !existsSync(chromiumPath)
  ? "Debian's chromium is not installed"
  : !existsSync("/usr/bin/certutil")
    ? "certutil (Debian's libnss3-tools) is not installed"
    : false;

const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Browser {
  readonly context: BrowserContext;
  newPage(): Promise<Page>;
  /** A passkey store inside the browser that confirms its user by itself. */
  addAuthenticator(page: Page): Promise<void>;
  close(): Promise<void>;
}

export interface BrowserChoice {
  /** PEM of the authority that the browser shall trust; it goes into a certificate store of its own. */
  readonly authority: string;
  /** PEM of another house's authority that it shall trust as well. */
  readonly otherAuthority?: string;
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly locale?: string;
}

/** Real Chromium with a fresh profile. Certificate faults stop it as they stop a person. */
export async function openBrowser(choice: BrowserChoice): Promise<Browser> {
  const home = mkdtempSync(join(tmpdir(), "phylax-browser-"));
  const store = join(home, ".pki", "nssdb");
  mkdirSync(store, { recursive: true });
  const pem = join(home, "authority.pem");
  writeFileSync(pem, choice.authority);
  execFileSync("certutil", ["-d", `sql:${store}`, "-N", "--empty-password"]);
  execFileSync("certutil", ["-d", `sql:${store}`, "-A", "-n", "phylax", "-t", "C,,", "-i", pem]);
  if (choice.otherAuthority !== undefined) {
    const other = join(home, "other.pem");
    writeFileSync(other, choice.otherAuthority);
    const add = ["-A", "-n", "other", "-t", "C,,", "-i", other];
    execFileSync("certutil", ["-d", `sql:${store}`, ...add]);
  }
  const context = await chromium.launchPersistentContext(join(home, "profile"), {
    executablePath: chromiumPath,
    headless: true,
    args: quiet,
    env: { ...process.env, HOME: home },
    colorScheme: choice.colorScheme ?? "light",
    viewport: choice.viewport ?? { width: 1_280, height: 900 },
    locale: choice.locale ?? "en-US",
    timezoneId: "America/New_York",
  });
  return {
    context,
    newPage: () => context.newPage(),
    addAuthenticator: async (page) => {
      const session = await context.newCDPSession(page);
      await session.send("WebAuthn.enable");
      await session.send("WebAuthn.addVirtualAuthenticator", {
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
    },
    close: async () => {
      await context.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
