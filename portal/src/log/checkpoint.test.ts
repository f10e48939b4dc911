import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readCheckpoint, splitNotes } from "./checkpoint.ts";

const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
const note = (size = "15368405") => `go.sum\n${size}\n${root}\n\n— go.sum Az3grl\n— witness yRq0\n`;

test("a checkpoint is read with its signers", () => {
  assert.deepEqual(readCheckpoint(note()), {
    origin: "go.sum",
    size: 15_368_405,
    root,
    signers: ["go.sum", "witness"],
  });
});

test("an extension line is allowed, a missing signature is not", () => {
  assert.equal(readCheckpoint(note().replace("\n\n", "\nextension\n\n"))?.size, 15_368_405);
  assert.equal(readCheckpoint(`go.sum\n1\n${root}\n`), null);
  assert.equal(readCheckpoint(`go.sum\n1\n${root}\n\n`), null);
});

test("a size or a root of another form is refused", () => {
  for (const size of ["-1", "01", "1.5", "", "x"]) assert.equal(readCheckpoint(note(size)), null);
  assert.equal(readCheckpoint(note().replace(root, "short")), null);
});

test("notes of several logs are told apart and none loses a line", () => {
  const notes = [note("1"), note("2"), note("3")];
  assert.deepEqual(splitNotes(notes.join("")), notes);
  assert.deepEqual(splitNotes(notes.join("\n")), notes);
  assert.deepEqual(splitNotes(""), []);
});

test("any text is read or refused, never thrown at", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      readCheckpoint(text);
      splitNotes(text);
    }),
  );
});
