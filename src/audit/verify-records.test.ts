import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Client } from "pg";
import type { AuditEntry } from "#core/audit-entry.ts";
import { inSnapshot } from "#storage/snapshot.ts";
import { describeRecordFinding, type RecordFinding } from "#audit/record-finding.ts";
import { testEntry, testLog, write, type TestLog } from "#audit/testing.ts";
import {
  verifyRecords,
  type ProvenRecords,
  type VerifyRecordsOptions,
} from "#audit/verify-records.ts";

interface Kit extends TestLog<never, never> {
  /** Stores the next version of a resource, and logs it. */
  readonly put: (id: string, known?: Partial<AuditEntry>) => Promise<void>;
  readonly sealedOf: (id: string) => Promise<Buffer | undefined>;
  readonly tamper: (sql: string, values?: readonly unknown[]) => Promise<void>;
  readonly verify: (options?: Partial<VerifyRecordsOptions>) => Promise<ProvenRecords>;
  readonly findings: () => Promise<readonly RecordFinding[]>;
}

const type = "Observation";

/** A log and the rows that it says were written: a1, a2, a3 of one resource, b1 of another. */
async function records(t: TestContext): Promise<Kit> {
  const kit = await testLog(t);
  const scratch = mkdtempSync(join(tmpdir(), "phylax-records-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const admin = new Client(kit.database.admin);
  admin.on("error", () => {});
  await admin.connect();
  t.after(() => admin.end());
  await admin.query("SELECT set_config('phylax.tenant', $1, false)", [kit.database.tenant]);
  const newest = new Map<string, number>();
  let n = 0;
  const put: Kit["put"] = async (id, known = {}) => {
    const sealed = randomBytes(100);
    const version = (newest.get(id) ?? 0) + 1;
    newest.set(id, version);
    await admin.query(
      `INSERT INTO records.resource_history
       SELECT tenant, type, id, compartment, version, last_updated, deleted, dek_version, sealed
       FROM records.resource WHERE type = $1 AND id = $2`,
      [type, id],
    );
    await admin.query(
      `INSERT INTO records.resource
         (type, id, version, last_updated, deleted, dek_version, tokens, content_mac, sealed)
       VALUES ($1, $2, $3, now(), $4, 1, '{}', '', $5) ON CONFLICT (tenant, type, id)
       DO UPDATE SET version = $3, deleted = $4, sealed = $5`,
      [type, id, version, known.action === "delete", sealed],
    );
    const ciphertextHash = createHash("sha256").update(sealed).digest("base64url");
    const about = { resourceType: type, resourceId: id, resourceVersion: version, ciphertextHash };
    n += 1;
    const action = version === 1 ? "create" : "update";
    await write(kit.log, [[testEntry(n, { action, ...about, ...known })]]);
  };
  for (const id of ["a", "a", "a", "b"]) await put(id);
  const db = kit.database.as("phylax_auditor");
  const verify: Kit["verify"] = async (options = {}) => {
    const { origin, verifier } = kit;
    const quiet = { onProgress: () => {}, onRows: () => {} };
    const result = await inSnapshot(db, (on) =>
      verifyRecords({ db: on, origin, verifiers: [verifier], scratch, ...quiet, ...options }),
    );
    assert.deepEqual(readdirSync(scratch), [], "nothing is left on disk");
    assert.ok(result.ok, "log and rows could be read");
    return result.value;
  };
  const tamper: Kit["tamper"] = async (sql, values = []) => {
    const { rowCount } = await admin.query(sql, [...values]);
    assert.ok(rowCount !== null && rowCount > 0, "something was tampered with");
  };
  const findings: Kit["findings"] = async () => {
    const { log, records } = await verify();
    assert.equal(log.findingCount, 0, "the log itself is whole");
    return records.findings;
  };
  const sealedOf: Kit["sealedOf"] = async (id) => {
    const select = "SELECT sealed FROM records.resource WHERE id = $1";
    const { rows } = await admin.query<{ sealed: Buffer }>(select, [id]);
    return rows[0]?.sealed;
  };
  return { ...kit, put, sealedOf, tamper, verify, findings };
}

test("rows that are as written are proven, current and past", async (t) => {
  const kit = await records(t);
  await kit.put("b", { action: "delete" });
  const { log, records: proven } = await kit.verify();
  assert.deepEqual(proven, { rows: 5, writes: 5, findings: [], findingCount: 0 });
  assert.equal(log.proven, 5);
});

const a = { type, id: "a" } as const;
const at = "WHERE id = 'a'";

const tamperings: readonly {
  readonly what: string;
  readonly sql: readonly string[];
  readonly found: readonly RecordFinding[];
}[] = [
  {
    what: "a row rolled back to its older version",
    sql: [
      `UPDATE records.resource r SET version = h.version, sealed = h.sealed
       FROM records.resource_history h WHERE r.id = 'a' AND h.id = 'a' AND h.version = 2`,
      "DELETE FROM records.resource_history WHERE id = 'a' AND version = 2",
    ],
    found: [{ kind: "row-rolled-back", ...a, version: 2, newest: 3 }],
  },
  {
    what: "an older ciphertext under the newest version",
    sql: [
      `UPDATE records.resource r SET sealed = h.sealed
       FROM records.resource_history h WHERE r.id = 'a' AND h.id = 'a' AND h.version = 2`,
    ],
    found: [{ kind: "row-changed", ...a, version: 3 }],
  },
  {
    what: "one bit of a past version",
    sql: [
      `UPDATE records.resource_history SET sealed = set_byte(sealed, 7, get_byte(sealed, 7) # 1) ${at} AND version = 1`,
    ],
    found: [{ kind: "row-changed", ...a, version: 1 }],
  },
  {
    what: "a past version removed",
    sql: [`DELETE FROM records.resource_history ${at} AND version = 1`],
    found: [{ kind: "row-missing", ...a, version: 1 }],
  },
  {
    what: "a current version removed",
    sql: [`DELETE FROM records.resource ${at}`],
    found: [{ kind: "row-missing", ...a, version: 3 }],
  },
  {
    what: "a row that nobody wrote",
    sql: [
      `INSERT INTO records.resource SELECT tenant, type, 'c', compartment, version, last_updated,
         deleted, dek_version, tokens, content_mac, sealed FROM records.resource ${at}`,
    ],
    found: [{ kind: "row-added", type, id: "c", version: 3 }],
  },
  {
    what: "the newest version put into the history as well",
    sql: [
      `INSERT INTO records.resource_history SELECT tenant, type, id, compartment, version,
         last_updated, deleted, dek_version, sealed FROM records.resource ${at}`,
    ],
    found: [{ kind: "row-added", ...a, version: 3 }],
  },
  {
    what: "a row marked as deleted",
    sql: [`UPDATE records.resource SET deleted = true ${at}`],
    found: [{ kind: "row-deletion-changed", ...a, version: 3 }],
  },
];

for (const { what, sql, found } of tamperings)
  test(`found and named: ${what}`, async (t) => {
    const kit = await records(t);
    for (const statement of sql) await kit.tamper(statement);
    const findings = await kit.findings();
    assert.deepEqual(findings, found);
    for (const finding of findings)
      assert.match(describeRecordFinding(finding), new RegExp(`Observation/${finding.id}`));
  });

test("sealing a row anew is as good as writing it, and putting back the old seal is found", async (t) => {
  const kit = await records(t);
  await kit.put("d", { action: "delete" });
  const fresh = randomBytes(100);
  const ciphertextHash = createHash("sha256").update(fresh).digest("base64url");
  const seal = "UPDATE records.resource SET sealed = $1 WHERE id = 'd'";
  const old = await kit.sealedOf("d");
  await kit.tamper(seal, [fresh]);
  const about = { resourceType: type, resourceId: "d", resourceVersion: 1, ciphertextHash };
  await write(kit.log, [[testEntry(99, { action: "key-reseal", ...about })]]);
  assert.deepEqual(await kit.findings(), []);
  await kit.tamper(seal, [old]);
  assert.deepEqual(await kit.findings(), [{ kind: "row-changed", type, id: "d", version: 1 }]);
  await kit.tamper("UPDATE records.resource SET sealed = $1, deleted = false WHERE id = 'd'", [
    fresh,
  ]);
  assert.deepEqual(await kit.findings(), [
    { kind: "row-deletion-changed", type, id: "d", version: 1 },
  ]);
});

test("an entry of a refused write, or of another act, proves no row", async (t) => {
  const kit = await records(t);
  const ciphertextHash = "x".repeat(43);
  const about = { resourceType: type, resourceId: "e", resourceVersion: 1 };
  await write(kit.log, [
    [
      testEntry(90, { action: "create", decision: "error", ...about, ciphertextHash }),
      testEntry(91, { action: "read", ...about }),
    ],
  ]);
  assert.deepEqual(await kit.findings(), []);
});

test("what is written while rows are read is not mistaken for tampering", async (t) => {
  const kit = await records(t);
  let went = false;
  const { records: proven } = await kit.verify({
    onProgress: async () => {
      if (went) return;
      went = true;
      await kit.put("a");
      await kit.put("z");
    },
  });
  assert.ok(went);
  assert.deepEqual(proven, { rows: 4, writes: 4, findings: [], findingCount: 0 });
});

test("an entry that was changed proves no row", async (t) => {
  const kit = await records(t);
  const forged = randomBytes(100);
  await kit.tamper("UPDATE records.resource SET sealed = $1 WHERE id = 'b'", [forged]);
  const hash = createHash("sha256").update(forged).digest("base64url");
  await kit.tamper(
    `UPDATE audit.entry SET leaf = convert_to(regexp_replace(convert_from(leaf, 'UTF8'),
       '"ciphertextHash":"[^"]+"', '"ciphertextHash":"${hash}"'), 'UTF8') WHERE seq = 3`,
  );
  const { log, records: proven } = await kit.verify();
  assert.deepEqual(log.findings, [{ kind: "entry-changed", index: 3 }]);
  assert.deepEqual(proven.findings, [{ kind: "row-added", type, id: "b", version: 1 }]);
});

test("the auditor sees hashes of rows and no ciphertext", async (t) => {
  const { database } = await testLog(t);
  const db = database.as("phylax_auditor");
  const denied = { code: "42501" };
  await assert.rejects(db.query("SELECT sealed FROM records.resource"), denied);
  await assert.rejects(db.query("SELECT sealed FROM records.resource_history"), denied);
  await assert.rejects(db.query("SELECT wrapped FROM keyring.data_key"), denied);
  await assert.rejects(db.query("SELECT commitment FROM keyring.data_key"), denied);
  assert.deepEqual(await db.query("SELECT * FROM records.row_digest"), []);
});
