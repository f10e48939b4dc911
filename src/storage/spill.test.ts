import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { openSpill } from "#storage/spill.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "phylax-spill-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("lines come back by part and in order, whether they went to disk or not", async (t) => {
  const folder = folderOf(t);
  const line = fc.string().map((text) => JSON.stringify(text));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(7), line)), fc.boolean(), async (lines, long) => {
      const spill = await openSpill(folder, 8);
      // Long enough that it must be written out.
      if (long) spill.add(3, "x".repeat(5 * 1024 * 1024));
      for (const [part, text] of lines) {
        spill.add(part, text);
        await spill.settle();
      }
      for (let part = 0; part < 8; part += 1) {
        const found = await spill.read(part);
        const mine = lines.filter(([at]) => at === part).map(([, text]) => text);
        assert.deepEqual(long && part === 3 ? found.slice(1) : found, mine);
      }
      await spill.remove();
    }),
    { numRuns: 30 },
  );
  assert.deepEqual(readdirSync(folder), []);
});

test("what is written out can be read by its owner alone", async (t) => {
  const folder = folderOf(t);
  const spill = await openSpill(folder, 2);
  spill.add(1, "x".repeat(5 * 1024 * 1024));
  await spill.settle();
  const [own = ""] = readdirSync(folder);
  assert.equal(statSync(join(folder, own)).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, own, "1")).mode & 0o777, 0o600);
  await spill.remove();
});
