import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import { startDeployment } from "../support/deployment.ts";
import { pidOf } from "../support/processes.ts";
import { recordsDatabase } from "../support/records-database.ts";

const patients = 1_500;

const patient = (n: number): object => ({
  resourceType: "Patient",
  id: `p-${String(n).padStart(5, "0")}`,
  identifier: [{ system: "urn:example:mrn", value: `M-${n}` }],
  name: [{ family: "García", given: ["Ana"] }],
  birthDate: "1980-05-03",
});

function runningPid(home: string, role: string): number {
  const pid = pidOf(home, role);
  assert.ok(pid !== undefined);
  return pid;
}

interface Report {
  readonly done: number;
  readonly ended: boolean;
  readonly version: number;
}

suite("blind indexes built under faults", { timeout: 300_000 }, () => {
  test("a build whose process is killed with -9 goes on by itself where it was, and misses nobody", async (t) => {
    const phylax = await startDeployment({ args: ["--empty"] });
    t.after(() => phylax.remove());
    const home = openHome(phylax.home);
    assert.ok(home.ok);
    const operator = await openOperator(home.value);
    t.after(() => operator.close());
    for (let from = 0; from < patients; from += 500) {
      const lines = Array.from({ length: 500 }, (_, at) =>
        JSON.stringify({ file: "test", entry: from + at, resource: patient(from + at) }),
      );
      const type = "application/x-ndjson";
      const sent = await operator.post("records", "/internal/import", type, lines.join("\n"));
      assert.ok(sent.ok && !sent.value.includes("refused"));
    }
    const ask = async (start: boolean): Promise<Report | null> => {
      const answer = await operator.postJson("records", "/internal/blind-index/rebuild", { start });
      return answer.ok ? (answer.value as Report) : null;
    };
    const records = runningPid(phylax.home, "records");
    let before = await ask(true);
    while (before !== null && before.done < 200) before = await ask(false);
    process.kill(records, "SIGKILL");
    assert.ok(before !== null && !before.ended && before.done < patients, JSON.stringify(before));

    // Nobody asks for another build: the one that was cut off goes on with its process.
    let after = await ask(false);
    for (let n = 0; n < 150 && after?.ended !== true; n += 1) {
      await sleep(200);
      after = await ask(false);
    }
    assert.equal(after?.version, 2);
    const db = recordsDatabase(t, phylax.home);
    const [found] = await db.query<{ owners: number }>(
      `SELECT count(DISTINCT compartment) AS owners FROM records.blind_index
       WHERE kind = 1 AND version = (SELECT current_version FROM records.blind_setting)`,
    );
    assert.equal(found?.owners, patients);
  });
});
