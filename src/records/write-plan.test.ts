import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseInstant, type Instant } from "#core/clock.ts";
import { parsePseudonym, parseResourceId, parseResourceType } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import {
  planWrites,
  rowName,
  type RowState,
  type RowWrite,
  type WriteGroup,
} from "#records/write-plan.ts";
import type { Compartment, DataKey } from "#vault/vault.ts";

function known<T>(value: T | null): T {
  invariant(value !== null, "the test's own value is well formed");
  return value;
}

const now = known(parseInstant(1_700_000_000_000));
const ana = known(parsePseudonym("00000000-0000-4000-8000-00000000000a"));
const ben = known(parsePseudonym("00000000-0000-4000-8000-00000000000b"));
const anaId = known(parseResourceId("ana"));
const observation = known(parseResourceType("Observation"));
const patientType = known(parseResourceType("Patient"));
// A plan hands keys on and never looks into one.
const keyOf = (compartment: Compartment): DataKey =>
  ({ compartment, dekVersion: 1, kekEpoch: 1 }) as DataKey;
const macOf = (text: string): Buffer => Buffer.from(text.padEnd(16, "."));

function put(id: string, more: Partial<RowWrite> & { text?: string } = {}): RowWrite {
  const { text = "x", ...rest } = more;
  return {
    type: observation,
    id: known(parseResourceId(id)),
    compartment: ana,
    patient: null,
    key: keyOf(ana),
    ifVersion: null,
    content: {
      kind: "put",
      render: () => text,
      mac: macOf(text),
      labels: [],
      relations: null,
      skipUnchanged: false,
    },
    ...rest,
  };
}

const remove = (id: string, ifVersion: number | null = null): RowWrite => ({
  ...put(id),
  ifVersion,
  content: { kind: "delete" },
});

function skipping(row: RowWrite): RowWrite {
  const { content } = row;
  return content.kind === "put" ? { ...row, content: { ...content, skipUnchanged: true } } : row;
}

const state = (version: number, more: Partial<RowState> = {}): RowState => ({
  version,
  compartment: ana,
  lastUpdated: now,
  deleted: false,
  mac: macOf("x"),
  ...more,
});

const one = (row: RowWrite): WriteGroup => ({ atomic: true, rows: [row] });

function kinds(stored: ReadonlyMap<string, RowState>, groups: readonly WriteGroup[]): string[][] {
  return planWrites({ rows: stored, links: new Map() }, groups, now).groups.map((group) =>
    group.ok
      ? group.value.map((each) => ("problem" in each ? each.problem.code : each.kind))
      : [group.problem.code],
  );
}

const storedAs = (name: string, row: RowState): ReadonlyMap<string, RowState> =>
  new Map([[rowName("Observation", name), row]]);

test("a row that is new gets version 1 and one that is there the next version", () => {
  const plan = planWrites(
    { rows: storedAs("b", state(4)), links: new Map() },
    [one(put("a")), one(put("b"))],
    now,
  );
  assert.deepEqual(
    plan.rows.map(({ version }) => version),
    [1, 5],
  );
  assert.deepEqual(kinds(storedAs("b", state(4)), [one(put("a")), one(put("b"))]), [
    ["created"],
    ["updated"],
  ]);
});

test("a group sees what the groups before it in the same flush wrote", () => {
  const plan = planWrites(
    { rows: new Map(), links: new Map() },
    [one(put("a")), one(put("a")), one(put("a"))],
    now,
  );
  assert.deepEqual(
    plan.rows.map(({ version }) => version),
    [1, 2, 3],
  );
});

test("a version that is not the newest is a conflict, also when it was so when the flush began", () => {
  const first = put("a", { ifVersion: 4 });
  assert.deepEqual(kinds(storedAs("a", state(4)), [one(first), one(first)]), [
    ["updated"],
    ["version-conflict"],
  ]);
  assert.deepEqual(kinds(new Map(), [one(first)]), [["version-conflict"]]);
});

test("one refused row of an atomic group keeps all of its rows out, and names its place", () => {
  const group = { atomic: true, rows: [put("a"), put("b", { ifVersion: 9 })] };
  const plan = planWrites({ rows: new Map(), links: new Map() }, [group, one(put("a"))], now);
  const [refused] = plan.groups;
  assert.equal(refused?.ok === false && refused.problem.code, "version-conflict");
  assert.equal(refused?.ok === false && refused.row, 1);
  assert.deepEqual(
    plan.rows.map(({ write, version }) => [write.id, version]),
    [["a", 1]],
  );
});

test("a refused row of a loose group leaves the others in", () => {
  const group = { atomic: false, rows: [put("a"), put("b", { ifVersion: 9 }), put("c")] };
  assert.deepEqual(kinds(new Map(), [group]), [["created", "version-conflict", "created"]]);
});

test("a row for a patient who is not there is refused, unless the patient comes first", () => {
  const lab = put("lab", { patient: anaId });
  const herself = put("ana", { type: patientType, patient: anaId });
  assert.deepEqual(kinds(new Map(), [one(lab)]), [["reference-missing"]]);
  assert.deepEqual(kinds(new Map(), [one(herself), one(lab)]), [["created"], ["created"]]);
  const gone = new Map([["Patient/ana", state(2, { deleted: true })]]);
  assert.deepEqual(kinds(gone, [one(lab)]), [["reference-missing"]]);
});

test("a row never moves into the record of another patient, not even after its deletion", () => {
  const theft = put("a", { compartment: ben, key: keyOf(ben) });
  assert.deepEqual(kinds(storedAs("a", state(1)), [one(theft)]), [["compartment-unclear"]]);
  const gone = storedAs("a", state(2, { deleted: true }));
  assert.deepEqual(kinds(gone, [one(theft)]), [["compartment-unclear"]]);
});

test("equal content is left alone only when that was asked for", () => {
  const stored = storedAs("a", state(1));
  assert.deepEqual(kinds(stored, [one(skipping(put("a")))]), [["unchanged"]]);
  assert.deepEqual(kinds(stored, [one(put("a"))]), [["updated"]]);
  assert.deepEqual(kinds(stored, [one(skipping(put("a", { text: "y" })))]), [["updated"]]);
});

test("deleting twice is the same as once, and a deleted row can be brought back", () => {
  const stored = storedAs("a", state(1));
  const groups = [one(remove("a")), one(remove("a")), one(skipping(put("a")))];
  assert.deepEqual(kinds(stored, groups), [["deleted"], ["unchanged"], ["created"]]);
  assert.deepEqual(kinds(new Map(), [one(remove("a"))]), [["not-found"]]);
});

test("a newer version is never dated before the one it replaces", () => {
  const later = (now + 5_000) as Instant;
  const plan = planWrites(
    { rows: storedAs("a", state(1, { lastUpdated: later })), links: new Map() },
    [one(put("a"))],
    now,
  );
  assert.equal(plan.rows[0]?.lastUpdated, later);
});

interface NaiveRow {
  version: number;
  deleted: boolean;
}
type Op = { id: string; kind: "put" | "delete"; ifVersion: number | null };

/** The rival: applies each group to a copy and keeps the copy when all of it held. */
function naive(groups: readonly { atomic: boolean; ops: readonly Op[] }[]): Map<string, NaiveRow> {
  let rows = new Map<string, NaiveRow>();
  for (const { atomic, ops } of groups) {
    const copy = new Map(rows);
    let allHeld = true;
    for (const { id, kind, ifVersion } of ops) {
      const row = copy.get(id);
      const held =
        (ifVersion === null || row?.version === ifVersion) && (kind === "put" || row !== undefined);
      allHeld &&= held;
      if (held && !(kind === "delete" && row?.deleted === true))
        copy.set(id, { version: (row?.version ?? 0) + 1, deleted: kind === "delete" });
    }
    if (allHeld || !atomic) rows = copy;
  }
  return rows;
}

test("a plan leaves the same rows as applying each group to a copy", () => {
  const op = fc.record<Op>({
    id: fc.constantFrom("a", "b", "c"),
    kind: fc.constantFrom("put", "delete"),
    ifVersion: fc.option(fc.integer({ min: 1, max: 4 })),
  });
  const group = fc.record({ atomic: fc.boolean(), ops: fc.array(op, { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.array(group, { maxLength: 8 }), (groups) => {
      const planned = planWrites(
        { rows: new Map(), links: new Map() },
        groups.map(({ atomic, ops }) => ({
          atomic,
          rows: ops.map(({ id, kind, ifVersion }) =>
            kind === "put" ? put(id, { ifVersion }) : remove(id, ifVersion),
          ),
        })),
        now,
      );
      const newest = new Map<string, NaiveRow>();
      for (const { write, version } of planned.rows) {
        assert.equal(version, (newest.get(write.id)?.version ?? 0) + 1);
        newest.set(write.id, { version, deleted: write.content.kind === "delete" });
      }
      assert.deepEqual(newest, naive(groups));
    }),
  );
});

test("a Patient keeps the links of merges decided before it in the same flush, until they are undone", () => {
  const chart = (id: string, compartment: typeof ana) => ({
    id: known(parseResourceId(id)),
    compartment,
  });
  const link = { other: { reference: "Patient/ben" }, type: "replaces" };
  const patient = (links: readonly object[]): RowWrite => {
    const row = put("ana", { type: patientType });
    return row.content.kind === "put" ? { ...row, content: { ...row.content, links } } : row;
  };
  const gone: RowWrite = { ...patient([]), content: { kind: "delete" } };
  const decided = (kind: "merge" | "unmerge", links: readonly object[]): WriteGroup => ({
    atomic: true,
    rows: [patient(links)],
    decision: {
      kind,
      task: known(parseResourceId("task")),
      survivor: chart("ana", ana),
      other: chart("ben", ben),
      otherVersion: null,
      by: "officer",
      at: now,
    },
  });
  const rows = new Map([[rowName("Patient", "ana"), state(1)]]);
  const plan = planWrites(
    { rows, links: new Map() },
    [
      one(patient([])),
      decided("merge", [link]),
      one(patient([])),
      one(gone),
      one(patient([link])),
      decided("unmerge", []),
      one(gone),
    ],
    now,
  );
  const codes = plan.groups.map((group) => {
    if (!group.ok) return group.problem.code;
    const [outcome] = group.value;
    return outcome?.kind === "refused" ? outcome.problem.code : outcome?.kind;
  });
  const taken = "updated";
  const refused = "chart-merged";
  assert.deepEqual(codes, [taken, taken, refused, refused, taken, taken, "deleted"]);
});
