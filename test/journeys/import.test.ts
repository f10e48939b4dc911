import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createTown } from "#town/town.ts";
import { spawnPhylax, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { noSharedData, synthea } from "../support/shared-data.ts";
import { countRows } from "../support/tamper.ts";

interface Summary {
  readonly files: number;
  readonly entries: number;
  readonly created: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly problems: readonly {
    readonly file: string;
    readonly entry: number;
    readonly detail?: string;
  }[];
}

/** Waits until some of the town's rows are in. */
async function untilImported(phylax: TestDeployment): Promise<void> {
  const before = await countRows(phylax.home);
  for (let tries = 0; tries < 400; tries += 1) {
    if ((await countRows(phylax.home)) > before) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail("nothing was imported");
}

suite("phylax import", { timeout: 600_000 }, () => {
  let phylax: TestDeployment;
  before(async () => {
    phylax = await startDeployment({ args: ["--empty"] });
  });
  after(() => phylax.remove());

  async function importJson(
    ...args: readonly string[]
  ): Promise<{ code: number | null; summary: Summary }> {
    const { code, out, err } = await phylax.run("import", ...args, "--json");
    assert.match(out, /^\{/, err);
    return { code, summary: JSON.parse(out) as Summary };
  }

  test(
    "all example patients go in, and going in again changes nothing",
    { skip: noSharedData },
    async () => {
      const first = await importJson(synthea);
      assert.equal(first.code, 0, JSON.stringify(first.summary.problems.slice(0, 5)));
      assert.equal(first.summary.refused, 0);
      assert.ok(first.summary.created > 29_000, `${first.summary.created}`);
      const again = await importJson(synthea);
      assert.equal(again.summary.created, 0);
      assert.equal(again.summary.unchanged, first.summary.created + first.summary.unchanged);
    },
  );

  test("a bad entry is named with file and entry while the rest goes in; --strict stops", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "phylax-import-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const good = (id: string): string =>
      JSON.stringify({ resourceType: "Organization", id, name: "A clinic" });
    writeFileSync(
      join(folder, "mixed.ndjson"),
      [good("org-1"), '{"resourceType":"Patient","birthDate":"yesterday"}', good("org-2")].join(
        "\n",
      ),
    );
    const { code, summary } = await importJson(join(folder, "mixed.ndjson"));
    assert.equal(code, 1);
    assert.deepEqual([summary.created, summary.refused], [2, 1]);
    assert.match(summary.problems[0]?.file ?? "", /mixed\.ndjson$/);
    const strict = await importJson(join(folder, "mixed.ndjson"), "--strict");
    assert.equal(strict.code, 1);
  });

  test("cut off by kill -9, it goes on when it is started again", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "phylax-import-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const town = createTown({ seed: 21, patients: 60, asOf: "2026-10-01" });
    const resources = [...town.organisation(), ...[...town.patients()].flat()];
    const path = join(folder, "town.ndjson");
    writeFileSync(path, resources.map((resource) => JSON.stringify(resource)).join("\n"));
    const cut = spawnPhylax(phylax.home, ["import", path]);
    await untilImported(phylax);
    cut.kill("SIGKILL");
    const { code, summary } = await importJson(path);
    assert.equal(code, 0, JSON.stringify(summary.problems.slice(0, 3)));
    assert.ok(summary.created > 0, "it was cut off before its end");
    assert.ok(summary.unchanged > 0, "what went in before is not written again");
    assert.equal(summary.created + summary.unchanged, resources.length);
  });

  test("a path that is not there is said, not skipped", async () => {
    const missing = await phylax.run("import", "/nowhere/at/all.json");
    assert.notEqual(missing.code, 0);
    assert.match(missing.err + missing.out, /nowhere/);
  });
});
