import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { testOrigin, testWorld, type TestPerson, type TestWorld } from "#records/testing.ts";

const megabyte = 1024 * 1024;

/** Text of so many megabytes, another for each document. */
const content = (n: number, megabytes: number): string =>
  Buffer.alloc(Math.floor((megabytes * megabyte * 3) / 4 / 3) * 3, `${n}`).toString("base64");

const document = (n: number, megabytes: number): object => ({
  resourceType: "DocumentReference",
  id: `doc-${n}`,
  status: "current",
  type: { coding: [{ system: "http://loinc.org", code: n % 2 === 0 ? "34133-9" : "18842-5" }] },
  subject: { reference: "Patient/ana" },
  author: [{ reference: "Practitioner/writer" }],
  date: `2026-09-0${n}T08:00:00Z`,
  content: [{ attachment: { contentType: "text/plain", data: content(n, megabytes) } }],
});

interface Entry {
  readonly resource: {
    readonly resourceType: string;
    readonly id: string;
    readonly content?: readonly { readonly attachment: { readonly data: string } }[];
  };
  readonly search: { readonly mode: string };
}

interface Page {
  readonly total?: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry: readonly Entry[];
}

interface Ward {
  readonly world: TestWorld;
  readonly doctor: TestPerson;
  /** The page at an address under the origin. */
  readonly page: (path: string) => Promise<Page>;
}

async function ward(t: TestContext, documents: readonly object[]): Promise<Ward> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Practitioner", id: "writer", name: [{ family: "Writer" }] },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  for (const each of documents) {
    const [line] = await world.bring([each]);
    assert.equal(line?.["outcome"] === "refused", false, JSON.stringify(line));
  }
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const page = async (path: string): Promise<Page> => {
    const got = await world.askAs(doctor, "GET", path);
    assert.equal(got.status, 200, got.text.slice(0, 500));
    return JSON.parse(got.text) as Page;
  };
  return { world, doctor, page };
}

const nextOf = ({ link }: Page): string | null =>
  link.find(({ relation }) => relation === "next")?.url.slice(testOrigin.length) ?? null;

const isWhole = ({ resource }: Entry, megabytes: number): boolean =>
  resource.content?.[0]?.attachment.data ===
  content(Number(resource.id.slice("doc-".length)), megabytes);

suite("searching among large resources", () => {
  test("a page ends where its documents have 8 MiB, and the next goes on from there", async (t) => {
    const { page } = await ward(
      t,
      [1, 2, 3, 4, 5].map((n) => document(n, 3)),
    );
    const pages: string[][] = [];
    let path: string | null = "/fhir/DocumentReference?patient=ana&_sort=-date";
    while (path !== null) {
      const got: Page = await page(path);
      assert.equal(got.total, 5);
      assert.ok(got.entry.every((entry) => isWhole(entry, 3)));
      pages.push(got.entry.map(({ resource }) => resource.id));
      path = nextOf(got);
    }
    assert.deepEqual(pages, [["doc-5", "doc-4"], ["doc-3", "doc-2"], ["doc-1"]]);
  });

  test("a large one is found by its codes, and brings along what it refers to", async (t) => {
    const { page } = await ward(
      t,
      [1, 2, 3].map((n) => document(n, 1)),
    );
    const got = await page(
      "/fhir/DocumentReference?patient=ana&type=http://loinc.org|34133-9&_include=DocumentReference:author",
    );
    assert.deepEqual(
      got.entry.map(({ resource, search }) => [resource.id, search.mode]),
      [
        ["doc-2", "match"],
        ["writer", "include"],
      ],
    );
    assert.ok(got.entry.slice(0, 1).every((entry) => isWhole(entry, 1)));
  });

  test("large ones that refer to a match are brought along whole, or refused when too many", async (t) => {
    const { world, doctor, page } = await ward(
      t,
      [1, 2, 3, 4].map((n) => document(n, 3)),
    );
    const path = "/fhir/Patient?_id=ana&_revinclude=DocumentReference:patient";
    const got = await page(path);
    const brought = got.entry.filter(({ search }) => search.mode === "include");
    assert.equal(brought.length, 4);
    assert.ok(brought.every((entry) => isWhole(entry, 3)));
    await world.bring([document(5, 3)]);
    await world.bring([document(6, 3)]);
    const refused = await world.askAs(doctor, "GET", path);
    assert.equal(refused.status, 422);
    assert.match(refused.text, /too much/);
  });

  test("what a large one says is logged with the page that shows it, and not before", async (t) => {
    const { world, page } = await ward(
      t,
      [1, 2, 3].map((n) => document(n, 3)),
    );
    await page("/fhir/DocumentReference?patient=ana");
    const touched = (await world.entries()).filter(
      ({ action, resourceType }) => action === "search" && resourceType === "DocumentReference",
    );
    assert.deepEqual(
      touched.map(({ count }) => count),
      [2],
    );
  });
});
