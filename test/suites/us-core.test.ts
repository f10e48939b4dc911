import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";
import { createTown } from "#town/town.ts";
import { readFhirPackage } from "../support/fhir-package.ts";
import { noSharedData, sharedFolder } from "../support/shared-data.ts";
import { syntheaPatients } from "../support/synthea.ts";
import { isJson, type Json } from "./us-core/judge.ts";
import { answerOf, queriesOf, queryText, type Query } from "./us-core/queries.ts";
import { includeCaseOf } from "./us-core/includes.ts";
import { requirementsOf, type IncludeRequirement } from "./us-core/requirements.ts";
import { provenancesOf, supplement } from "./us-core/supplement.ts";

const guideFile = join(sharedFolder, "data", "us-core-6.1.0.tgz");

interface Scene {
  readonly world: TestWorld;
  readonly doctor: TestPerson;
  /** What is stored, by type. */
  readonly stored: ReadonlyMap<string, readonly Json[]>;
}

/** The caller stands in the care team of everybody. */
const teamOf = (patient: Json): Json => ({
  resourceType: "CareTeam",
  id: `all-${String(patient["id"])}`.slice(0, 64),
  status: "active",
  subject: { reference: `Patient/${String(patient["id"])}` },
  participant: [{ member: { reference: "Practitioner/everybodys-doctor" } }],
});

/** Brings resources in; answers those that were taken. */
async function settle(world: TestWorld, resources: readonly Json[]): Promise<readonly Json[]> {
  const taken: Json[] = [];
  for (let at = 0; at < resources.length; at += 400) {
    const part = resources.slice(at, at + 400);
    const outcomes = await world.bring(part);
    taken.push(...part.filter((_, i) => outcomes[i]?.["outcome"] === "created"));
  }
  return taken;
}

/** Installs the guide as an operator does: profiles to be kept, and its own search parameters. */
async function install(world: TestWorld): Promise<void> {
  const answer = await world.operator.request({
    method: "POST",
    path: "/internal/fhir/packages",
    headers: {
      "x-test-peer": "operator",
      "phylax-operator": "tester",
      "content-type": "application/gzip",
    },
    body: readFileSync(guideFile),
  });
  assert.equal(answer.statusCode, 200, await answer.body.text());
}

function examplesOf(guide: ReadonlyMap<string, Json>): readonly Json[] {
  const examples = [...guide].flatMap(([path, value]) =>
    path.startsWith("package/example/") && value["resourceType"] !== "Bundle" ? [value] : [],
  );
  const isPatient = (value: Json): boolean => value["resourceType"] === "Patient";
  return [...examples.filter(isPatient), ...examples.filter((each) => !isPatient(each))];
}

async function scene(t: TestContext, guide: ReadonlyMap<string, Json>): Promise<Scene> {
  const world = await testWorld(t);
  await install(world);
  const town = createTown({ seed: 11, patients: 4, asOf: "2026-10-01" });
  const ofTown: readonly unknown[] = [...town.organisation(), ...[...town.patients()].flat()];
  const examples = await settle(world, examplesOf(guide));
  assert.deepEqual(examples.map(nameOf), examplesOf(guide).map(nameOf), "all examples are taken");
  const others = [...supplement, ...ofTown.filter(isJson), ...syntheaPatients(3)];
  const taken = await settle(world, others);
  assert.equal(taken.length, others.length, "the supplement, the town and Synthea are taken whole");
  const types = requirementsOf(guide).includes.map(({ type }) => type);
  const provenances = provenancesOf([...new Set(types)], [...examples, ...taken]);
  assert.equal((await settle(world, provenances)).length, provenances.length);
  const patients = [...examples, ...taken].filter((each) => each["resourceType"] === "Patient");
  const teams = await settle(world, patients.map(teamOf));
  const doctor = await world.person({
    roles: ["clinician"],
    practitioner: "everybodys-doctor",
  });
  const stored = Map.groupBy([...examples, ...taken, ...provenances, ...teams], (each) =>
    String(each["resourceType"]),
  );
  return { world, doctor, stored };
}

const nameOf = (resource: Json): string =>
  `${String(resource["resourceType"])}/${String(resource["id"])}`;

interface Page {
  readonly ids: readonly string[];
  readonly next: string | null;
}

function pageOf(got: Got, type: string): Page {
  assert.equal(got.status, 200, got.text);
  const bundle: unknown = JSON.parse(got.text);
  assert.ok(isJson(bundle) && bundle["type"] === "searchset");
  const list = (name: string): readonly Json[] => {
    const value = bundle[name] ?? [];
    assert.ok(Array.isArray(value));
    return value.filter(isJson);
  };
  const ids = list("entry").map((entry) => {
    const { resource, search } = entry;
    assert.ok(isJson(resource) && isJson(search));
    assert.deepEqual([resource["resourceType"], search["mode"]], [type, "match"]);
    return String(resource["id"]);
  });
  const next = list("link").find((link) => link["relation"] === "next")?.["url"];
  return {
    ids,
    next: typeof next === "string" ? new URL(next).pathname + new URL(next).search : null,
  };
}

/** The ids of all pages. */
async function allIds(
  { world, doctor }: Scene,
  type: string,
  path: string,
): Promise<readonly string[]> {
  const ids: string[] = [];
  let next: string | null = path;
  for (let pages = 0; next !== null; pages += 1) {
    assert.ok(pages < 50, "the pages do not end");
    const page = pageOf(await world.askAs(doctor, "GET", next), type);
    ids.push(...page.ids);
    next = page.next;
  }
  return ids.sort();
}

async function idsByForm({ world, doctor }: Scene, query: Query): Promise<readonly string[]> {
  const got = await world.askAs(doctor, "POST", `/fhir/${query.type}/_search`, {
    body: `${queryText(query)}&_count=1000`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  return [...pageOf(got, query.type).ids].sort();
}

/** `Type/id` of what a search brought along. */
async function broughtAlong({ world, doctor }: Scene, path: string): Promise<readonly string[]> {
  const got = await world.askAs(doctor, "GET", path);
  assert.equal(got.status, 200, got.text);
  const bundle = JSON.parse(got.text) as {
    entry?: { resource: Json; search: { mode: string } }[];
  };
  return (bundle.entry ?? []).flatMap(({ resource, search }) =>
    search.mode === "include" ? [nameOf(resource)] : [],
  );
}

async function tryIncludes(
  t: TestContext,
  where: Scene,
  includes: readonly IncludeRequirement[],
): Promise<void> {
  const stored = [...where.stored.values()].flat();
  assert.ok(includes.length > 20, `${includes.length} inclusions`);
  for (const include of includes) {
    const { type, kind, path } = include;
    await t.test(`${type}?${kind}=${path}`, async () => {
      const found = includeCaseOf(include, stored);
      assert.ok(found !== null, "nothing is stored of which this would bring anything");
      const asked = `/fhir/${type}?_id=${found.id}&${kind}=${encodeURIComponent(path)}`;
      const brought = await broughtAlong(where, asked);
      // The log has a Provenance of each import, beside those that are stored.
      const isOfLog = kind === "_revinclude" && path.startsWith("Provenance:");
      const known = new Set(stored.map(nameOf));
      const compared = isOfLog ? brought.filter((name) => known.has(name)) : brought;
      assert.deepEqual(compared.toSorted(), found.brought);
    });
  }
}

test(
  "every search that US Core 6.1 asks of a server finds what it should, and nothing else",
  { skip: noSharedData, timeout: 300_000 },
  async (t) => {
    const guide = await readFhirPackage(guideFile);
    const { searches, includes } = requirementsOf(guide);
    const where = await scene(t, guide);
    const tally = { SHALL: 0, SHOULD: 0, MAY: 0 };
    for (const requirement of searches) {
      const { type, parameters, expectation } = requirement;
      const resources = where.stored.get(type) ?? [];
      const name = `${expectation} ${type}?${parameters.map(({ code }) => code ?? "").join("&")}`;
      await t.test(name, async (t2) => {
        const queries = queriesOf(requirement, resources);
        assert.ok(queries !== null, "nothing is stored that has a value for each parameter");
        for (const query of queries) {
          tally[query.expectation] += 1;
          const wanted = answerOf(query, resources);
          assert.ok(wanted.length > 0, `the rival finds nothing by ${queryText(query)}`);
          await t2.test(`${query.expectation} ${queryText(query)}`, async () => {
            assert.deepEqual(
              await allIds(where, type, `/fhir/${type}?${queryText(query)}&_count=20`),
              wanted,
            );
          });
        }
        const [plain] = queries;
        if (plain !== undefined)
          assert.deepEqual(await idsByForm(where, plain), answerOf(plain, resources), "by form");
      });
    }
    await t.test("what matches refer to, and what refers to them, comes along", (t2) =>
      tryIncludes(t2, where, includes),
    );
    t.diagnostic(JSON.stringify(tally));
    assert.ok(tally.SHALL >= 117, `${tally.SHALL} searches that a server SHALL know`);
  },
);
