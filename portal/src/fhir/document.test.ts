import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { decodeBase64, decodeText, fileNameOf, handlingOf, readDocument } from "./document.ts";

const attachment = (more: object) => {
  const read = readDocument({ id: "d", description: "Letter", content: [{ attachment: more }] });
  const first = read?.attachments[0];
  assert.ok(first !== undefined);
  return first;
};

test("plain text is shown, known files are saved, all else is neither", () => {
  const handling = (contentType: string) => handlingOf(attachment({ contentType, data: "aGk=" }));
  assert.equal(handling("text/plain"), "show");
  assert.equal(handling("Text/Plain; charset=utf-8"), "show");
  assert.equal(handling("application/pdf"), "save");
  for (const active of ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", ""]) {
    assert.equal(handling(active), "none");
  }
});

test("content elsewhere than in a Binary of our own is not fetched", () => {
  const kind = (url: string) => attachment({ contentType: "text/plain", url }).data.kind;
  assert.equal(kind("Binary/b-1"), "binary");
  for (const url of ["https://evil.example/x", "Binary/../Patient/1", "/etc", "Binary/", "#b"]) {
    assert.equal(kind(url), "elsewhere");
    assert.equal(handlingOf(attachment({ contentType: "text/plain", url })), "none");
  }
});

test("a file's name tells nothing of the person", () => {
  assert.equal(fileNameOf("application/pdf"), "document.pdf");
  assert.equal(fileNameOf("whatever/else"), "document.bin");
});

test("text comes back as it was encoded", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (written) => {
      const base64 = Buffer.from(written, "utf8").toString("base64");
      // A byte order mark at the very start is no character of the text.
      assert.equal(decodeText(base64), written.replace(/^\uFEFF/, ""));
    }),
  );
});

test("base64 in lines is read, what is no base64 or no UTF-8 is not", () => {
  assert.equal(decodeText("aGVs\r\nbG8="), "hello");
  assert.equal(decodeBase64("***"), null);
  assert.equal(decodeText(Buffer.from([0xc3, 0x28]).toString("base64")), null);
});

test("a superseded document is left out", () => {
  assert.equal(readDocument({ id: "d", description: "Letter", status: "superseded" }), null);
});
