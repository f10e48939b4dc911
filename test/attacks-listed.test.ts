import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = new URL("..", import.meta.url).pathname;

/** Those that must not fall out of the table. */
const known: readonly string[] = [
  "Token replay without its key",
  "Replay of a DPoP proof",
  "Interception of a code",
  "Redirect URI tricks",
  "Mix-up",
  "Reuse of a refresh token",
  "Session fixation",
  "CSRF",
  "Clickjacking",
  "Passkey from another origin",
  "Enumeration of accounts",
  "Password spraying",
  "TOTP replay and drift",
  "Recovery abuse",
  "Open redirect",
  "JWT `alg` tricks and `kid` injection",
  "Scope escalation by refresh",
  "Proxy after the child's 18th birthday",
  "Clock skew",
  "A label stripped by an update",
  "A purpose that is not the role's",
  "A clinician who left the care team",
  "A missing attribute",
  "A policy file that does not validate",
  "Break-glass repeated",
  "Attestation from an unknown root",
  "Level claimed by the client",
  "Device key copied to another browser profile",
  "Kiosk cloned",
  "Kiosk that tries to read",
  "Forged `phylax-*` headers",
  "Brake dodged by two devices",
  "Revocation stream cut",
  "Redirect by the server behind",
  "Another's record by the server behind",
  "Error texts of the server behind",
  "Oversized answer of the server behind",
  "Offline summary on a stolen device",
  "Offline lease of somebody else",
];

const rows = readFileSync(join(root, "docs/attacks.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, attack = "", stoppedBy = "", file = "", title = ""]) => ({
    attack,
    stoppedBy,
    file: file.replaceAll("`", ""),
    title,
  }));

/** The titles of a file's tests, as they are written there. */
function titlesOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/\btest\(\s*(["`])(.+?)\1,/g)].map((found) => found[2] ?? "");
}

test("every known attack stands in the table, with what stops it", () => {
  const listed = new Set(rows.map(({ attack }) => attack));
  assert.deepEqual(
    known.filter((attack) => !listed.has(attack)),
    [],
  );
  assert.ok(rows.every(({ stoppedBy }) => stoppedBy !== ""));
});

test("every attack in the table is tried by a test that is there", () => {
  const missing = rows.filter(
    ({ file, title }) => !existsSync(join(root, file)) || !titlesOf(file).includes(title),
  );
  assert.deepEqual(missing, []);
});

test("every attack on a deployment stands in the table", () => {
  const files = globSync("test/attacks/*.ts", { cwd: root });
  const titles = files.flatMap(titlesOf);
  assert.ok(titles.length > 15, `${titles.length} tests were seen`);
  const listed = new Set(rows.map(({ title }) => title));
  assert.deepEqual(
    titles.filter((title) => !listed.has(title)),
    [],
  );
});
