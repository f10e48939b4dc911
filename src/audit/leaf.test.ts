import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  auditActions,
  auditEntry,
  purposes,
  zones,
  type AuditDecision,
  type AuditEntry,
} from "#core/audit-entry.ts";
import { parseInstant } from "#core/clock.ts";
import { auditLimits } from "#audit/limits.ts";
import { encodeLeaf, parseLeaf } from "#audit/leaf.ts";
import { testEntry } from "#audit/testing.ts";

const text = fc.string({ unit: "binary", maxLength: 300 });
const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values);
const times = fc.integer({ min: -8.64e15, max: 8.64e15 }).map((ms) => {
  const time = parseInstant(ms);
  assert.ok(time !== null);
  return time;
});

const entries: fc.Arbitrary<AuditEntry> = fc.record({
  v: fc.constant(1 as const),
  time: times,
  action: fc.constantFrom(...auditActions),
  decision: fc.constantFrom<AuditDecision>("permit", "deny", "error"),
  reasons: fc.array(text, { maxLength: 4 }),
  decided: fc.array(text, { maxLength: 4 }),
  obligations: fc.array(text, { maxLength: 4 }),
  actor: orNull(text),
  role: orNull(text),
  session: orNull(text),
  device: orNull(text),
  client: orNull(text),
  zone: orNull(fc.constantFrom(...zones)),
  address: orNull(text),
  purpose: orNull(fc.constantFrom(...purposes)),
  patient: orNull(fc.uuid()),
  resourceType: orNull(text),
  resourceId: orNull(text),
  resourceVersion: orNull(fc.maxSafeNat()),
  categories: fc.array(text, { maxLength: 4 }),
  count: fc.maxSafeNat(),
  dekVersion: orNull(fc.maxSafeNat()),
  ciphertextHash: orNull(text),
  requestId: orNull(text),
  signal: orNull(text),
});

const bytesOf = (entry: AuditEntry): Buffer => Buffer.from(encodeLeaf(entry));

/** RFC 8785 §3.2 over JSON values without numbers that need care. */
function naiveCanonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(naiveCanonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${naiveCanonical(each)}`).join(",")}}`;
}

test("for all entries, the leaf read again encodes to the same bytes", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const leaf = encodeLeaf(entry);
      const read = parseLeaf(Buffer.from(leaf));
      assert.ok(read !== null);
      assert.equal(encodeLeaf(read), leaf);
    }),
  );
});

test("for all entries of clean, short texts, the leaf says what the entry said", () => {
  const clean = fc.string({ unit: "grapheme", maxLength: 40 }).map((s) => s.replaceAll("\0", ""));
  fc.assert(
    fc.property(clean, fc.array(clean), (some, list) => {
      const entry = testEntry(1, { actor: some, address: some, reasons: list });
      assert.deepEqual(parseLeaf(bytesOf(entry)), entry);
    }),
  );
});

test("for all entries, the leaf is RFC 8785 canonical JSON", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const leaf = encodeLeaf(entry);
      assert.equal(leaf, naiveCanonical(JSON.parse(leaf)));
    }),
  );
});

test("the form of version 1 is fixed", () => {
  const entry = testEntry(0, {
    actor: "aé\n",
    patient: "0f8fad5b-d9cb-469f-a165-70867728950e",
    requestId: null,
  });
  assert.equal(
    encodeLeaf(entry),
    '{"action":"read","actor":"aé\\n","address":null,"categories":[],"ciphertextHash":null,' +
      '"client":null,"count":0,"decision":"permit","dekVersion":null,"device":null,' +
      '"patient":"0f8fad5b-d9cb-469f-a165-70867728950e","purpose":null,"reasons":[],' +
      '"requestId":null,"resourceId":null,"resourceType":null,"resourceVersion":null,' +
      '"role":null,"session":null,"signal":null,"time":1767225600000,"v":1,"zone":null}',
  );
});

test("text that a database cannot hold is logged with replacements, not refused", () => {
  const read = parseLeaf(bytesOf(testEntry(1, { actor: "a\0b\ud800c" })));
  assert.equal(read?.actor, "a\uFFFDb\uFFFDc");
});

test("texts and lists that are too long are cut and show it", () => {
  const { textChars, listItems } = auditLimits;
  const long = testEntry(1, { client: "x".repeat(9_000), reasons: Array(999).fill("y") });
  const read = parseLeaf(bytesOf(long));
  assert.equal(read?.client, `${"x".repeat(textChars - 1)}…`);
  assert.equal(read.reasons.length, listItems);
  assert.equal(read.reasons.at(-1), "…");
});

test("a pair of surrogates at the cut does not leave half of it behind", () => {
  const read = parseLeaf(bytesOf(testEntry(1, { client: "😀".repeat(300) })));
  assert.ok(read?.client?.isWellFormed());
});

test("an entry whose numbers or pseudonym are not of their type is a fault of the program", () => {
  const wrong: readonly Partial<AuditEntry>[] = [
    { count: -1 },
    { count: 1.5 },
    { resourceVersion: Number.NaN },
    { dekVersion: Infinity },
    { patient: "Ana Ruiz" },
  ];
  for (const known of wrong) assert.throws(() => encodeLeaf(testEntry(1, known)));
});

const changed = (change: (fields: Record<string, unknown>) => void): Buffer => {
  const fields = JSON.parse(encodeLeaf(testEntry(1))) as Record<string, unknown>;
  change(fields);
  return Buffer.from(JSON.stringify(fields));
};

test("what is not exactly a leaf of ours is none", () => {
  const good = encodeLeaf(testEntry(1));
  const broken: Readonly<Record<string, Buffer>> = {
    "no JSON": Buffer.from("{"),
    "no object": Buffer.from("[]"),
    "a space too many": Buffer.from(good.replace(":", ": ")),
    "another order": Buffer.from(naiveCanonical(JSON.parse(good)).replace("{", '{"v":1,')),
    "a member too many": changed((fields) => (fields["zz"] = 1)),
    "a member too few": changed((fields) => delete fields["actor"]),
    "another version": changed((fields) => (fields["v"] = 2)),
    "an unknown action": changed((fields) => (fields["action"] = "erase")),
    "an unknown zone": changed((fields) => (fields["zone"] = "moon")),
    "a time in text": changed((fields) => (fields["time"] = "2026")),
    "a count in text": changed((fields) => (fields["count"] = "1")),
    "a list of numbers": changed((fields) => (fields["reasons"] = [1])),
    "a patient by name": changed((fields) => (fields["patient"] = "Ana")),
    "a text too long": changed((fields) => (fields["actor"] = "x".repeat(300))),
    "bytes that are not UTF-8": Buffer.from(good.replace("request", "re\u00ffuest"), "latin1"),
  };
  assert.ok(parseLeaf(Buffer.from(good)) !== null);
  for (const [what, bytes] of Object.entries(broken)) assert.equal(parseLeaf(bytes), null, what);
});

test("entries differ in bytes when they differ at all", () => {
  const base = auditEntry({ time: testEntry(1).time, action: "read", decision: "permit" });
  const others: readonly AuditEntry[] = [
    { ...base, actor: "" },
    { ...base, device: "" },
    { ...base, count: 1 },
    { ...base, reasons: [""] },
    { ...base, decision: "error" },
  ];
  const leaves = new Set([base, ...others].map(encodeLeaf));
  assert.equal(leaves.size, 1 + others.length);
});
