import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  createSigner,
  createVerifier,
  isSigned,
  parseNote,
  parseVkey,
  type CheckpointVerifier,
} from "#audit/note.ts";
import { testKey } from "#audit/testing.ts";

const vector = JSON.parse(
  readFileSync(new URL("../../testdata/c2sp-note/note.json", import.meta.url), "utf8"),
) as { vkey: string; note: string };

async function accepted(note: string, verifiers: readonly CheckpointVerifier[]): Promise<boolean> {
  const parsed = parseNote(note);
  return parsed !== null && (await isSigned(parsed, verifiers));
}

test("the example note of the format verifies under its vkey", async () => {
  const verifier = parseVkey(vector.vkey);
  assert.ok(verifier !== null);
  assert.ok(await accepted(vector.note, [verifier]));
  assert.ok(!(await accepted(vector.note.replace("problem,", "problems,"), [verifier])));
});

test("for all texts, a note signed is a note accepted, by this key alone", async () => {
  const { signer, verifier } = testKey("example.org/log");
  const stranger = testKey("example.org/log").verifier;
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[^\r\0]*$/), async (body) => {
      const text = `${body}\n`;
      const note = signer.sign(text);
      assert.equal(parseNote(note)?.text, text);
      assert.ok(await accepted(note, [stranger, verifier]));
      assert.ok(!(await accepted(note, [stranger])));
    }),
  );
});

test("signer and verifier have one vkey, and the vkey makes the verifier again", () => {
  const { signer, verifier } = testKey("example.org/log");
  assert.equal(signer.vkey, verifier.vkey);
  const again = parseVkey(signer.vkey);
  assert.equal(again?.name, "example.org/log");
  assert.deepEqual(again.keyId, verifier.keyId);
});

test("signatures of unknown keys are passed over", async () => {
  const ours = testKey("example.org/log");
  const witness = testKey("witness.example");
  const text = "text\n";
  const [theirLine = ""] = witness.signer.sign(text).split("\n").slice(-2);
  const note = `${ours.signer.sign(text)}${theirLine}\n`;
  assert.ok(await accepted(note, [ours.verifier]));
  assert.ok(await accepted(note, [ours.verifier, witness.verifier]));
});

test("one false signature of a known key spoils the note", async () => {
  const ours = testKey("example.org/log");
  const witness = testKey("witness.example");
  const [falseLine = ""] = witness.signer.sign("another text\n").split("\n").slice(-2);
  const note = `${ours.signer.sign("text\n")}${falseLine}\n`;
  assert.ok(await accepted(note, [ours.verifier]));
  assert.ok(!(await accepted(note, [ours.verifier, witness.verifier])));
});

test("a checkpoint signed by a retired key is refused once the key is no longer handed in", async () => {
  const [retired, current] = [testKey("example.org/log"), testKey("example.org/log")];
  const note = retired.signer.sign("text\n");
  assert.ok(await accepted(note, [retired.verifier, current.verifier]));
  assert.ok(!(await accepted(note, [current.verifier])));
});

test("what has not the form of a note is none", () => {
  const note = testKey("example.org/log").signer.sign("text\n");
  const broken = [
    "",
    "text\n",
    note.slice(0, -1),
    note.replace("\u2014 ", "- "),
    note.replace("\n\n", "\n"),
    `${note}more\n`,
    note.replace(/ [^ ]+\n$/, " AAAA\n"),
  ];
  for (const each of broken) assert.equal(parseNote(each), null, JSON.stringify(each));
});

test("a signature that is cut short is not accepted", async () => {
  const { signer, verifier } = testKey("example.org/log");
  const note = signer.sign("text\n");
  const line = note.split("\n").at(-2) ?? "";
  const bytes = Buffer.from(line.split(" ")[2] ?? "", "base64").subarray(0, 40);
  const cut = note.replace(line, `\u2014 ${signer.name} ${bytes.toString("base64")}`);
  assert.ok(!(await accepted(cut, [verifier])));
});

test("a vkey whose key id is not that of its name and key is refused", () => {
  const { signer } = testKey("example.org/log");
  assert.equal(parseVkey(signer.vkey.replace("example", "elpmaxe")), null);
  assert.equal(parseVkey("name"), null);
  assert.equal(parseVkey("name+00000000+AAAA"), null);
});

test("a key that is no Ed25519 key, or an origin that is no key name, makes no signer", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  assert.throws(() => createSigner(pem, "example.org/log"), TypeError);
  const good = generateKeyPairSync("ed25519").privateKey;
  const goodPem = good.export({ type: "pkcs8", format: "pem" }).toString();
  const spki = createPublicKey(createPrivateKey(goodPem)).export({ type: "spki", format: "pem" });
  for (const origin of ["", "two words", "a+b", "a\u00a0b"]) {
    assert.throws(() => createSigner(goodPem, origin), TypeError);
    assert.throws(() => createVerifier(spki.toString(), origin), TypeError);
  }
});
