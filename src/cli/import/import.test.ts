import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { type FakeRecords, fakeRecords } from "#cli/import/testing.ts";
import { type ImportDeps, importPaths, type ImportProgress } from "#cli/import/import.ts";
import { importLimits } from "#cli/import/limits.ts";
import type { ImportSummary } from "#cli/import/summary.ts";
import { systemClock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { outgoingReferences } from "#records/fhir/references.ts";
import { createTown } from "#town/town.ts";

/** Example sets that are not the project's own: $PHYLAX_SHARED, else `shared` beside the project. */
const shared = process.env["PHYLAX_SHARED"] ?? join(import.meta.dirname, "../../../../shared");
const synthea = join(shared, "data/synthea");

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "phylax-import-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function run(
  paths: readonly string[],
  records: Pick<FakeRecords, "send">,
  more: Partial<ImportDeps> = {},
): Promise<ImportSummary> {
  const found = await importPaths({
    paths,
    send: records.send,
    progress: () => {},
    strict: false,
    clock: systemClock,
    sleep: async () => {},
    ...more,
  });
  const { created, updated, unchanged, refused, unanswered, entries } = found;
  assert.equal(
    created + updated + unchanged + refused + unanswered,
    entries,
    "an entry was counted twice or not at all",
  );
  return found;
}

const town = createTown({ seed: 7, patients: 40, asOf: "2026-07-01" });

async function writeTown(path: string): Promise<number> {
  const resources = [...town.organisation(), ...[...town.patients()].flat()];
  await writeFile(path, resources.map((one) => `${JSON.stringify(one)}\n`).join(""));
  return resources.length;
}

function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}

interface Item {
  readonly fullUrl?: string;
  readonly resource: Record<string, unknown>;
}

function bundle(items: readonly (Item | string)[], type = "transaction"): string {
  const entry = items.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
  return `{"resourceType":"Bundle","type":"${type}","entry":[${entry.join(",")}]}`;
}

function patient(n: number, more: object = {}): Item {
  return {
    fullUrl: `urn:uuid:${uuid(n)}`,
    resource: { resourceType: "Patient", id: uuid(n), ...more },
  };
}

function observation(n: number, of: number, more: object = {}): Item {
  const subject = { reference: `urn:uuid:${uuid(of)}` };
  return {
    fullUrl: `urn:uuid:${uuid(n)}`,
    resource: { resourceType: "Observation", id: uuid(n), subject, ...more },
  };
}

test("a whole town goes in, and a second time all of it is unchanged", async (t) => {
  const home = await folder(t);
  const count = await writeTown(join(home, "town.ndjson"));
  const records = fakeRecords();
  const first = await run([home], records);
  assert.deepEqual(
    [first.files, first.entries, first.created, first.refused],
    [1, count, count, 0],
  );
  assert.equal(records.stored.size, count);
  const second = await run([home], records);
  assert.deepEqual([second.entries, second.unchanged, second.created], [count, count, 0]);
});

test("batches keep to their limits, two are on their way at once, and no patient is overtaken", async (t) => {
  const home = await folder(t);
  await writeTown(join(home, "town.ndjson"));
  // Every other batch is slow, so that a later one would win the race.
  const records = fakeRecords({ delayMs: (batch) => (batch % 2) * 15 });
  const batches: string[] = [];
  const send: FakeRecords["send"] = (batch) => {
    batches.push(batch);
    return records.send(batch);
  };
  const { refused } = await run([home], { send });
  assert.equal(refused, 0);
  assert.equal(records.mostInFlight, importLimits.batchesInFlight);
  assert.ok(records.mostLines <= importLimits.batchLines);
  assert.equal(
    batches.join("\n").split("\n").length,
    (await run([home], records)).entries,
    "a line was sent twice",
  );
});

test("a batch ends before eight megabytes are reached", async (t) => {
  const home = await folder(t);
  const lines = Array.from({ length: 30 }, (_, n) =>
    JSON.stringify({ resourceType: "Basic", id: `b${n}`, code: { text: "é".repeat(500_000) } }),
  );
  await writeFile(join(home, "large.ndjson"), lines.join("\n"));
  const records = fakeRecords();
  const { created } = await run([home], records);
  assert.equal(created, 30);
  assert.ok(records.mostBytes <= importLimits.batchBytes, `${records.mostBytes}`);
  assert.ok(records.batches >= 4);
});

test("references by fullUrl become Type/id, whether the entry comes before or after", async (t) => {
  const home = await folder(t);
  const encounter: Item = {
    fullUrl: "http://example.org/fhir/Encounter/77",
    resource: {
      resourceType: "Encounter",
      id: "visit-77",
      subject: { reference: `urn:uuid:${uuid(1)}` },
    },
  };
  const late = observation(3, 1, {
    encounter: { reference: "http://example.org/fhir/Encounter/77" },
    hasMember: [{ reference: "Observation/elsewhere" }],
    note: [{ text: `urn:uuid:${uuid(1)}` }],
  });
  await writeFile(join(home, "one.json"), bundle([late, encounter, patient(1)]));
  const records = fakeRecords();
  const { created, refused } = await run([home], records);
  assert.deepEqual([created, refused], [3, 0]);
  const stored: unknown = JSON.parse(records.stored.get(`Observation/${uuid(3)}`) ?? "null");
  assert.deepEqual(stored, {
    ...late.resource,
    subject: { reference: `Patient/${uuid(1)}` },
    encounter: { reference: "Encounter/visit-77" },
  });
});

test("decimals keep their text through a Bundle", async (t) => {
  const home = await folder(t);
  const text = `{"resourceType":"Observation","id":"o","subject":{"reference":"urn:uuid:${uuid(1)}"},"valueQuantity":{"value":7.100,"unit":"é"}}`;
  await writeFile(join(home, "one.json"), bundle([patient(1), `{"resource":${text}}`]));
  const records = fakeRecords();
  await run([home], records);
  assert.equal(
    records.stored.get("Observation/o"),
    text.replace(`urn:uuid:${uuid(1)}`, `Patient/${uuid(1)}`),
  );
});

test("conditional references are resolved against the Bundles of providers, which are read first", async (t) => {
  const home = await folder(t);
  const system = "http://hl7.org/fhir/sid/us-npi";
  const doctor: Item = {
    fullUrl: `urn:uuid:${uuid(9)}`,
    resource: { resourceType: "Practitioner", id: "doc", identifier: [{ system, value: "99" }] },
  };
  await writeFile(join(home, "_practitioners.json"), bundle([doctor]));
  await writeFile(
    join(home, "A_patient.json"),
    bundle([
      patient(1, { generalPractitioner: [{ reference: `Practitioner?identifier=${system}|99` }] }),
      observation(2, 1, {
        performer: [
          { reference: `Practitioner?identifier=${encodeURIComponent(`${system}|99`)}` },
          { reference: `urn:uuid:${uuid(9)}` },
        ],
      }),
      observation(3, 1, { performer: [{ reference: `Practitioner?identifier=${system}|100` }] }),
    ]),
  );
  const records = fakeRecords();
  const found = await run([home], records);
  assert.deepEqual([found.created, found.refused], [3, 1]);
  assert.equal(found.problems[0]?.code, "reference-missing");
  assert.equal(found.problems[0]?.entry, 2);
  assert.ok(
    !JSON.stringify(found.problems).includes("100"),
    "a problem repeats the value of an identifier",
  );
  const rewritten = [...records.stored.values()].join("").match(/"Practitioner\/doc"/g);
  assert.equal(rewritten?.length, 3);
});

test("an identifier that two resources bear resolves to neither", async (t) => {
  const home = await folder(t);
  const organization = (id: string): Item => ({
    resource: { resourceType: "Organization", id, identifier: [{ system: "s", value: "v" }] },
  });
  await writeFile(join(home, "_o.json"), bundle([organization("one"), organization("two")]));
  await writeFile(
    join(home, "p.json"),
    bundle([patient(1, { managingOrganization: { reference: "Organization?identifier=s|v" } })]),
  );
  const { problems, created } = await run([home], fakeRecords());
  assert.equal(created, 2);
  assert.equal(problems[0]?.code, "reference-missing");
});

test("what a Bundle of providers brought is not overwritten by a patient's lesser copy", async (t) => {
  const home = await folder(t);
  const organization = (name: string): Item => ({
    fullUrl: `urn:uuid:${uuid(5)}`,
    resource: { resourceType: "Organization", id: uuid(5), name },
  });
  await writeFile(join(home, "_hospitals.json"), bundle([organization("full")]));
  await writeFile(join(home, "p.json"), bundle([organization("less"), patient(1)]));
  const records = fakeRecords();
  const { created, unchanged } = await run([home], records);
  assert.deepEqual([created, unchanged], [2, 1]);
  assert.ok(records.stored.get(`Organization/${uuid(5)}`)?.includes("full"));
});

test("each bad entry is told of with file, place and reason, and the rest goes in", async (t) => {
  const home = await folder(t);
  const broken = `{"fullUrl":"urn:uuid:${uuid(2)}","resource":{"resourceType":"Encounter","id":"${uuid(2)}","status":tru}}`;
  const twice = '{"resource":{"resourceType":"Basic","id":"x","id":"y"}}';
  const good = observation(4, 1, { encounter: { reference: `urn:uuid:${uuid(2)}` } });
  await writeFile(
    join(home, "mixed.json"),
    bundle([patient(1), broken, twice, '{"resource":7}', '"text"', good]),
  );
  const records = fakeRecords();
  const { entries, created, refused, problems } = await run([home], records);
  assert.deepEqual([entries, created, refused], [6, 2, 4]);
  assert.deepEqual(
    problems.map(({ file, entry, code }) => [file, entry, code]),
    [
      ["mixed.json", 1, "json-broken"],
      ["mixed.json", 2, "json-duplicate-key"],
      ["mixed.json", 3, "resource-invalid"],
      ["mixed.json", 4, "resource-invalid"],
    ],
  );
  assert.ok(records.stored.get(`Observation/${uuid(4)}`)?.includes(`Encounter/${uuid(2)}`));
});

test("bad lines of NDJSON are told of by their number, and the rest goes in", async (t) => {
  const home = await folder(t);
  const lines = [
    '{"resourceType":"Basic","id":"a"}',
    "",
    "{oops",
    '{"resourceType":1}',
    "[]",
    "  ",
    '{"resourceType":"Basic","id":"b"}\r',
  ];
  await writeFile(join(home, "lines.ndjson"), `\uFEFF${lines.join("\n")}`);
  const { entries, created, problems } = await run([home], fakeRecords());
  assert.deepEqual([entries, created], [5, 2]);
  assert.deepEqual(
    problems.map(({ entry, code }) => [entry, code]),
    [
      [3, "json-broken"],
      [4, "resource-invalid"],
      [5, "resource-invalid"],
    ],
  );
});

test("a file that is not whole JSON, not UTF-8, or no resource, is one bad entry", async (t) => {
  const home = await folder(t);
  await writeFile(join(home, "a-truncated.json"), bundle([patient(1), patient(2)]).slice(0, -20));
  await writeFile(join(home, "b-text.json"), "not JSON");
  await writeFile(join(home, "c-empty.json"), "");
  await writeFile(
    join(home, "d-latin1.json"),
    Buffer.from('{"resourceType":"Basic","id":"\xe9"}', "latin1"),
  );
  await writeFile(join(home, "e-history.json"), bundle([patient(3)], "history"));
  await writeFile(join(home, "f-array.json"), "[]");
  const records = fakeRecords();
  const { entries, refused, problems } = await run([home], records);
  assert.deepEqual([entries, refused, records.stored.size], [6, 6, 0]);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["json-broken", "json-broken", "json-broken", "json-broken", "resource-invalid", "json-broken"],
  );
});

test("single resources, empty Bundles and files named outright are taken; what is neither format is told of", async (t) => {
  const home = await folder(t);
  await writeFile(
    join(home, "single.json"),
    JSON.stringify({ resourceType: "Basic", id: "one" }, null, 2),
  );
  await writeFile(join(home, "empty.json"), '{"resourceType":"Bundle","type":"collection"}');
  await writeFile(join(home, "notes.txt"), "hello");
  const inside = await run([home], fakeRecords());
  assert.deepEqual([inside.files, inside.created, inside.refused], [2, 1, 0]);
  const named = await run(
    [join(home, "single.json"), join(home, "notes.txt"), join(home, "nowhere")],
    fakeRecords(),
  );
  assert.deepEqual([named.created, named.refused], [1, 2]);
  assert.deepEqual(
    named.problems.map(({ file, code }) => [file, code]),
    [
      ["notes.txt", "not-found"],
      [join(home, "nowhere"), "not-found"],
    ],
  );
});

test("directories are read in full depth, but links that lead in a circle are not", async (t) => {
  const home = await folder(t);
  await mkdir(join(home, "a", "b"), { recursive: true });
  await writeFile(join(home, "a", "b", "x.json"), '{"resourceType":"Basic","id":"deep"}');
  await symlink(home, join(home, "a", "b", "again"));
  const { files, created } = await run([home], fakeRecords());
  assert.deepEqual([files, created], [1, 1]);
});

test("entries whose patient comes in a later file go in at the end", async (t) => {
  const home = await folder(t);
  const early = observation(2, 1);
  await writeFile(
    join(home, "a.ndjson"),
    JSON.stringify({ ...early.resource, subject: { reference: `Patient/${uuid(1)}` } }),
  );
  await writeFile(
    join(home, "b.ndjson"),
    JSON.stringify({ ...observation(4, 3).resource, subject: { reference: `Patient/${uuid(3)}` } }),
  );
  await writeFile(join(home, "z.ndjson"), JSON.stringify(patient(1).resource));
  const { created, refused, problems } = await run([home], fakeRecords());
  assert.deepEqual([created, refused], [2, 1]);
  assert.deepEqual(
    problems.map(({ file, code }) => [file, code]),
    [["b.ndjson", "reference-missing"]],
  );
});

test("files of a bulk export are read patients first, whatever their names sort to", async (t) => {
  const home = await folder(t);
  const of = { subject: { reference: `Patient/${uuid(1)}` } };
  await writeFile(
    join(home, "Condition.ndjson"),
    JSON.stringify({ resourceType: "Condition", id: "c", ...of }),
  );
  await writeFile(join(home, "Patient.000.ndjson"), JSON.stringify(patient(1).resource));
  const records = fakeRecords();
  assert.equal((await run([home], records)).created, 2);
  assert.equal(records.batches, 1, "the condition was sent before its patient");
});

test("strict stops at the first bad entry", async (t) => {
  const home = await folder(t);
  await writeFile(
    join(home, "a.ndjson"),
    '{"resourceType":"Basic","id":"a"}\n{broken\n{"resourceType":"Basic","id":"b"}',
  );
  await writeFile(join(home, "b.ndjson"), '{"resourceType":"Basic","id":"c"}');
  const records = fakeRecords();
  const { refused, problems } = await run([home], records, { strict: true });
  assert.equal(refused, 1);
  assert.equal(problems[0]?.entry, 2);
  assert.ok(!records.stored.has("Basic/b") && !records.stored.has("Basic/c"));
});

test("strict gives an entry whose patient comes later its second try", async (t) => {
  const home = await folder(t);
  await writeFile(
    join(home, "a.ndjson"),
    JSON.stringify({
      resourceType: "Condition",
      id: "c",
      subject: { reference: `Patient/${uuid(1)}` },
    }),
  );
  await writeFile(join(home, "b.ndjson"), JSON.stringify(patient(1).resource));
  const { created, refused } = await run([home], fakeRecords(), { strict: true });
  assert.deepEqual([created, refused], [2, 0]);
});

test("a server that is busy for a moment is asked again, after a while", async (t) => {
  const home = await folder(t);
  const count = await writeTown(join(home, "town.ndjson"));
  const records = fakeRecords();
  const waits: number[] = [];
  let failures = 2;
  const { created, stopped } = await run(
    [home],
    {
      send: async (batch) => {
        failures -= 1;
        return failures >= 0 ? refuse("storage-unavailable") : records.send(batch);
      },
    },
    {
      sleep: async (ms) => {
        waits.push(ms);
      },
    },
  );
  assert.deepEqual([created, stopped], [count, null]);
  assert.ok(waits.length === 2 && waits.every((ms) => ms >= 500));
});

test("an import cut off in the middle goes on where it was when it is started again", async (t) => {
  const home = await folder(t);
  const count = await writeTown(join(home, "town.ndjson"));
  const records = fakeRecords();
  let left = 2;
  const cut = await run([home], {
    send: async (batch) => {
      left -= 1;
      return left >= 0 ? records.send(batch) : refuse("upstream-unavailable");
    },
  });
  assert.equal(cut.stopped?.code, "upstream-unavailable");
  assert.ok(cut.created > 0 && cut.created < count);
  const again = await run([home], records);
  assert.deepEqual(
    [again.unchanged, again.created, again.stopped],
    [cut.created, count - cut.created, null],
  );
});

test("answers that do not fit what was sent end the import", async (t) => {
  const home = await folder(t);
  await writeFile(
    join(home, "a.ndjson"),
    '{"resourceType":"Basic","id":"a"}\n{"resourceType":"Basic","id":"b"}',
  );
  const records = fakeRecords();
  const { stopped, created } = await run([home], {
    send: async (batch) => {
      const answers = await records.send(batch);
      return answers.ok ? { ok: true, value: answers.value.toReversed() } : answers;
    },
  });
  assert.equal(stopped?.code, "unexpected");
  assert.equal(created, 0);
});

test("what the server refuses is reported with its words, and a thousand of them at most", async (t) => {
  const home = await folder(t);
  const lines = Array.from({ length: 1_500 }, (_, n) => `{"resourceType":"Basic","id":"b${n}"}`);
  await writeFile(join(home, "a.ndjson"), lines.join("\n"));
  const { refused, problems } = await run([home], {
    send: async (batch) => ({
      ok: true,
      value: batch.split("\n").map((line) => {
        const { file, entry } = placeOf(line);
        return {
          file,
          entry,
          outcome: "refused" as const,
          code: "resource-invalid" as const,
          at: "Basic.code",
          detail: "is required",
        };
      }),
    }),
  });
  assert.equal(refused, 1_500);
  assert.equal(problems.length, 1_000);
  assert.deepEqual(problems[0], {
    file: "a.ndjson",
    entry: 1,
    code: "resource-invalid",
    detail: "is required",
    at: "Basic.code",
  });
});

function placeOf(line: string): { file: string; entry: number } {
  const found = /^\{"file":"([^"]*)","entry":(\d+),/.exec(line);
  return { file: found?.[1] ?? "", entry: Number(found?.[2]) };
}

test("progress ends at all bytes and all entries, and never shows more than there is", async (t) => {
  const home = await folder(t);
  const count = await writeTown(join(home, "town.ndjson"));
  await writeFile(join(home, "z.json"), bundle([patient(1), observation(2, 1)]));
  const seen: ImportProgress[] = [];
  await run([home], fakeRecords(), { progress: (progress) => seen.push(progress) });
  const last = seen.at(-1);
  assert.equal(last?.entries, count + 2);
  assert.equal(last?.bytes, last?.totalBytes);
  assert.equal(last?.expectedEntries, count + 2);
  for (const { bytes, totalBytes, entries, expectedEntries } of seen) {
    assert.ok(bytes <= totalBytes && entries <= expectedEntries);
  }
});

const run2 = promisify(execFile);

test("a Bundle of sixty megabytes is imported in less than 300 MB of memory", async (t) => {
  const home = await folder(t);
  const path = join(home, "huge.json");
  const file = await open(path, "w");
  const large = createTown({ seed: 3, patients: 600, asOf: "2026-07-01" });
  let entries = 0;
  await file.write('{"resourceType":"Bundle","type":"collection","entry":[');
  for (const resources of large.patients()) {
    const items = resources.map((resource) => {
      const fullUrl = `urn:uuid:${resource.id}`;
      return JSON.stringify({ fullUrl, resource }).replaceAll('"Patient/', '"urn:uuid:');
    });
    await file.write(`${entries === 0 ? "" : ","}${items.join(",")}`);
    entries += items.length;
  }
  await file.write("]}");
  const { size } = await file.stat();
  await file.close();
  assert.ok(size > 55_000_000, `only ${size} bytes`);
  const child = new URL("./test-huge.ts", import.meta.url).pathname;
  const { stdout } = await run2(process.execPath, [child, path]);
  const found: unknown = JSON.parse(stdout);
  assert.ok(
    typeof found === "object" && found !== null && "megabytes" in found && "created" in found,
  );
  assert.equal(found.created, entries);
  assert.ok(Number(found.megabytes) < 300, `${String(found.megabytes)} MB`);
});

test("a huge file cut off in the middle is one bad entry, and nothing of it goes in", async (t) => {
  const home = await folder(t);
  const path = join(home, "huge.json");
  const items = Array.from({ length: 40 }, (_, n) =>
    JSON.stringify({
      resource: { resourceType: "Basic", id: `b${n}`, code: { text: "x".repeat(1_000_000) } },
    }),
  );
  await writeFile(path, bundle(items));
  await truncate(path, 39_000_000);
  const records = fakeRecords();
  const { entries, refused, problems } = await run([path], records);
  assert.deepEqual([entries, refused, records.stored.size], [1, 1, 0]);
  assert.equal(problems[0]?.code, "json-broken");
});

test("Synthea's Bundles go in whole, every reference resolved, and a second time all is unchanged", async (t) => {
  if (!existsSync(synthea)) {
    t.skip("no shared data");
    return;
  }
  const records = fakeRecords();
  const first = await run([synthea], records);
  assert.equal(first.files, 96);
  assert.equal(first.refused, 0, JSON.stringify(first.problems.slice(0, 3)));
  assert.ok(first.created > 29_000);
  for (const text of records.stored.values()) {
    assert.ok(!text.includes('"urn:uuid:'), "a reference was left unresolved");
  }
  const second = await run([synthea], records);
  assert.deepEqual([second.entries, second.unchanged], [first.entries, first.entries]);
});

test("after a town of Bundles, every reference in the records has its target there", async (t) => {
  const home = await folder(t);
  const wrapped = (resources: Iterable<object>): string =>
    bundle(
      [...resources].map((resource) => ({ resource: { ...resource } })),
      "collection",
    );
  await writeFile(join(home, "_organisation.json"), wrapped(town.organisation()));
  for (let n = 0; n < 10; n += 1)
    await writeFile(join(home, `${n}.json`), wrapped(town.patient(n)));
  const records = fakeRecords();
  await run([home], records);
  let references = 0;
  for (const text of records.stored.values()) {
    for (const { type, id } of outgoingReferences(JSON.parse(text))) {
      assert.ok(records.stored.has(`${type}/${id}`), `${type}/${id}`);
      references += 1;
    }
  }
  assert.ok(references > 1_000);
});
