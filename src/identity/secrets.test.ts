import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { systemRandom } from "#core/random.ts";
import { BrokenInvariant } from "#core/result.ts";
import { openSecrets } from "#identity/secrets.ts";
import { testDatabase } from "#storage/testing.ts";
import { createSealer, type Sealer } from "#vault/sealer.ts";
import { systemRun } from "#vault/run-watch.ts";

const sealerOf = (byte: number): Sealer =>
  createSealer({ key: Buffer.alloc(32, byte), random: systemRandom, ...systemRun });

suite("the keys of the identity process", () => {
  test("are made once, also when several copies start at the same time", async (t) => {
    const database = await testDatabase(t);
    const db = database.as("phylax_identity");
    const open = () => openSecrets({ db, sealer: sealerOf(1), random: systemRandom, ...systemRun });
    const [first, ...others] = await Promise.all([open(), open(), open()]);
    for (const other of [...others, await open()]) assert.deepEqual(other, first);
    assert.equal(first.blindKey.length, 32);
    assert.ok((first.cookieKeys[0]?.length ?? 0) >= 43);
    assert.equal(first.signingKeys[0]?.crv, "P-256");
    const again = await testDatabase(t);
    const elsewhere = await openSecrets({
      db: again.as("phylax_identity"),
      sealer: sealerOf(1),
      random: systemRandom,
      ...systemRun,
    });
    assert.notDeepEqual(elsewhere, first);
  });

  test("do not open under another sealer, nor in another's place", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    await openSecrets({ db, sealer: sealerOf(1), random: systemRandom, ...systemRun });
    await assert.rejects(
      openSecrets({ db, sealer: sealerOf(2), random: systemRandom, ...systemRun }),
      BrokenInvariant,
    );
    await assert.rejects(db.query("UPDATE identity.secret SET name = name"), /permission denied/);
  });
});
