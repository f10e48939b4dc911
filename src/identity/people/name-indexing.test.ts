import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "#core/random.ts";
import { createBlind } from "#identity/blind.ts";
import { indexNames } from "#identity/people/name-indexing.ts";
import { sealText } from "#identity/sealed.ts";
import { testDatabase } from "#storage/testing.ts";
import { systemRun } from "#vault/run-watch.ts";
import { createSealer } from "#vault/sealer.ts";

test("accounts made before names were indexed are found by name after a clean-up", async (t) => {
  const db = (await testDatabase(t)).as("phylax_identity");
  const sealer = createSealer({ key: Buffer.alloc(32, 7), random: systemRandom, ...systemRun });
  const blind = createBlind(Buffer.alloc(32));
  const id = systemRandom.uuid();
  const name = sealText(sealer, `account-name:${id}`, "Ana Garc\u00eda");
  await db.query(
    `INSERT INTO identity.account (id, display_name_sealed, roles, patients, status, created_at)
      VALUES ($1, $2, '{patient}', '{pat-1}', 'active', now())`,
    [id, name],
  );
  let asked = 0;
  const deps = {
    db,
    sealer,
    blind: async () => {
      asked += 1;
      return blind;
    },
  };
  assert.equal(await indexNames(deps), 1);
  const found = await db.query("SELECT id FROM identity.account WHERE name_blind @> $1", [
    [blind("name", "gar")],
  ]);
  assert.deepEqual(found, [{ id }]);
  assert.equal(await indexNames(deps), 0);
  assert.equal(asked, 1, "the key is opened only when there is something to do");
});
