import { mkdirSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import { decodeQR } from "qr/decode.js";
import type { Browser } from "./chromium.ts";

/** Set PHYLAX_SCREENS to a folder to keep a picture of each page on the way. */
const screens = process.env["PHYLAX_SCREENS"];

/** Keeps a picture of the page under this name, if pictures are wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (screens === undefined) return;
  mkdirSync(screens, { recursive: true });
  // What is on its way is not the page yet.
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: `${screens}/${name}.png`, fullPage: true });
}

/** On the sign-up page: makes the passkey. What the page says then differs by the way that led here. */
export async function makePasskey(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Set up my passkey" }).click();
}

/** Makes the passkey that needs nobody's yes, and goes on to the sign-in page. */
export async function enrol(page: Page): Promise<void> {
  await makePasskey(page);
  await page.getByRole("heading", { name: "You are all set" }).waitFor();
  await page.getByRole("button", { name: "Sign in now" }).click();
}

/** On the sign-in page that leads to /home: through it with this browser's passkey. */
export async function signInWithPasskey(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await page.getByRole("heading", { level: 1 }).waitFor();
}

/** Opens the results of one's own record, down to the first that is shown. */
export async function readOwnResults(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/record/results`);
  await page.locator(".record-section").getByRole("listitem").first().waitFor();
}

/** Presses what cannot be taken back, and says yes in the dialogue. */
export async function pressAndConfirm(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("alertdialog").getByRole("button", { name, exact: true }).click();
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly data: readonly number[];
}

/** Runs in a page: takes a PNG in base64, gives its pixels. */
const pixelsOf = `async (picture) => {
  const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const { width, height, data } = pen.getImageData(0, 0, image.width, image.height);
  return { width, height, data: [...data] };
}`;

/** What a camera reads of the QR code: from the pixels that the page paints. */
export async function readQr({ context }: Browser, code: Locator): Promise<string> {
  const png = (await code.screenshot()).toString("base64");
  // A page of its own: the product's policy lets no page of it do this.
  const darkroom = await context.newPage();
  try {
    const { width, height, data } = await darkroom.evaluate<Pixels>(`(${pixelsOf})("${png}")`);
    return decodeQR({ width, height, data: Uint8Array.from(data) }, { timeLimit: 10_000 });
  } finally {
    await darkroom.close();
  }
}
