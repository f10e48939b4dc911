import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import PdfPrinter from "pdfmake";
import { pdfDocument } from "#records/readable/pdf-document.ts";
import type { PdfJob } from "#records/readable/pdf.ts";

/** Lays out one PDF apart from the thread that answers requests, and ends. */

const fonts = createRequire(import.meta.url)("pdfmake/build/vfs_fonts.js") as Readonly<
  Record<string, string>
>;
const font = (name: string): Buffer => Buffer.from(fonts[`Roboto-${name}.ttf`] ?? "", "base64");

const printer = new PdfPrinter({
  Roboto: {
    normal: font("Regular"),
    bold: font("Medium"),
    italics: font("Italic"),
    bolditalics: font("MediumItalic"),
  },
});

const { head, entries } = workerData as PdfJob;
const document = printer.createPdfKitDocument(pdfDocument(head, entries));
document.on("data", (chunk: Buffer) => parentPort?.postMessage(Uint8Array.from(chunk), []));
document.end();
