import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { systemRandom } from "#core/random.ts";
import { createFileKms, openFileKms } from "#keys/kms/file.ts";
import { derivePassphraseKey, kdfName, parseCost, recommendedCost } from "#keys/kms/passphrase.ts";
import { cheapCost, testFolder, testPassphrase } from "#keys/testing.ts";

const random = systemRandom;
const passphrase = testPassphrase;
const salt = Buffer.alloc(16, 3);
const cheapPbkdf2 = { iterations: 1_000 };

suite("the key of a passphrase", () => {
  test("is made by argon2id, and in FIPS mode by PBKDF2", () => {
    assert.equal(kdfName(recommendedCost(false)), "argon2id");
    assert.equal(kdfName(recommendedCost(true)), "pbkdf2-hmac-sha-512");
  });

  test("by PBKDF2 is the one of SP 800-132 with HMAC-SHA-512", async () => {
    const made = await derivePassphraseKey(passphrase, salt, { cost: cheapPbkdf2, approved: true });
    assert.ok(made.ok);
    assert.deepEqual(made.value.export(), pbkdf2Sync(passphrase, salt, 1_000, 32, "sha512"));
  });

  test("is not made by argon2id in FIPS mode, and the refusal says what to do", async () => {
    const made = await derivePassphraseKey(passphrase, salt, { cost: cheapCost, approved: true });
    assert.equal(made.ok ? null : made.problem.code, "fips-unavailable");
    assert.match(made.ok ? "" : (made.problem.detail ?? ""), /move-kms/);
  });

  test("a cost that is cheap to guess or a day's work is not taken from a file", () => {
    const kdf = { name: "pbkdf2-hmac-sha-512", iterations: 600_000, salt: "" };
    assert.deepEqual(parseCost(kdf), { iterations: 600_000 });
    for (const iterations of [999, 2 ** 31, 1.5, "600000", null])
      assert.equal(parseCost({ ...kdf, iterations }), null);
    assert.equal(parseCost({ ...kdf, passes: 3 }), null);
    assert.equal(parseCost({ ...kdf, name: "pbkdf2" }), null);
  });
});

suite("a root key file of FIPS mode", () => {
  test("opens with its passphrase and with no other", async (t) => {
    const path = join(await testFolder(t), "root.key");
    const made = await createFileKms({ path, passphrase, random }, cheapPbkdf2);
    assert.ok(made.ok);
    const wrapped = await made.value.wrap(Buffer.alloc(32, 7), "context");
    assert.ok(wrapped.ok);
    const again = await openFileKms({ path, passphrase, random });
    assert.ok(again.ok);
    assert.match(again.value.describe(), /pbkdf2-hmac-sha-512/);
    const kek = await again.value.unwrap(wrapped.value, "context");
    assert.deepEqual(kek, { ok: true, value: Buffer.alloc(32, 7) });
    const other = await openFileKms({ path, passphrase: `${passphrase}!`, random });
    assert.equal(other.ok ? null : other.problem.code, "root-key-refused");
  });

  test("with fewer iterations written into it is refused", async (t) => {
    const path = join(await testFolder(t), "root.key");
    assert.ok((await createFileKms({ path, passphrase, random }, { iterations: 1_001 })).ok);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("1001", "1000"));
    const opened = await openFileKms({ path, passphrase, random });
    assert.equal(opened.ok ? null : opened.problem.code, "root-key-refused");
  });
});
