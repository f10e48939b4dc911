import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEvent, Bundle } from "@medplum/fhirtypes";
import { parseResourceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { testWorld, type Got, type TestPerson } from "#records/testing.ts";

const bundleOf = ({ status, text }: Got): Bundle<AuditEvent> => {
  assert.equal(status, 200, text);
  return JSON.parse(text) as Bundle<AuditEvent>;
};
const eventsIn = (bundle: Bundle<AuditEvent>): readonly AuditEvent[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
const nextOf = (bundle: Bundle): string | null => {
  const url = bundle.link?.find(({ relation }) => relation === "next")?.url;
  return url === undefined ? null : url.slice(url.indexOf("/fhir"));
};

const team = (patient: string): object => ({
  resourceType: "CareTeam",
  id: `team-${patient}`,
  status: "active",
  subject: { reference: `Patient/${patient}` },
  participant: [{ member: { reference: "Practitioner/bea" } }],
});

test("the log as AuditEvents", async (t) => {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "bea", name: [{ text: "Dr. Bea" }] },
    ...["ana", "berta"].flatMap((id) => [{ resourceType: "Patient", id }, team(id)]),
  ]);
  const bea = await world.person({ roles: ["clinician"], practitioner: "bea" });
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const olga = await world.person({ roles: ["privacy-officer"] });
  const sam = await world.person({ roles: ["security-operator"] });
  const get = (person: TestPerson, path: string): Promise<Got> =>
    world.askAs(person, "GET", `/fhir/${path}`);
  const events = async (person: TestPerson, query: string): Promise<readonly AuditEvent[]> =>
    eventsIn(bundleOf(await get(person, `AuditEvent?${query}`)));

  for (const path of ["Patient/ana", "Patient/berta", "CareTeam/team-ana"])
    assert.equal((await get(bea, path)).status, 200);

  await t.test("shows a patient her own record's and nobody else's, newest first", async () => {
    const own = await events(ana, "");
    assert.ok(own.length >= 4, "import, and two readings");
    assert.ok(own.every(({ entity }) => entity?.[0]?.what?.reference === "Patient/ana"));
    const times = own.map(({ recorded }) => recorded ?? "");
    assert.deepEqual(times, times.toSorted().toReversed());
    assert.equal((await get(ana, "AuditEvent?patient=berta")).status, 403);
    const text = JSON.stringify(own);
    assert.ok(
      text.includes("Dr. Bea") && !text.includes("192.0.2.7") && !text.includes("key-create"),
    );
  });

  await t.test("finds by action, agent, entity, date, subtype and outcome", async () => {
    const found = async (query: string): Promise<number> =>
      (await events(olga, `patient=ana&${query}`)).length;
    assert.equal(await found("action=R&entity=CareTeam/team-ana"), 1);
    assert.equal(await found("subtype=read&agent=Practitioner/bea"), 2);
    assert.equal(await found("agent=Practitioner/carl"), 0);
    assert.equal(await found("action=C&subtype=import"), 2, "Patient and CareTeam were imported");
    assert.equal(await found("date=lt2000"), 0);
    assert.ok((await found("date=ge2000&outcome=0")) > 3);
    assert.equal(await found("outcome=4&subtype=create"), 0);
  });

  await t.test("tells a privacy officer what one of the staff did with any record", async () => {
    const all = await events(olga, "agent=Practitioner/bea&subtype=read");
    assert.equal(all.length, 3);
    assert.ok(JSON.stringify(all).includes("192.0.2.7"));
    assert.equal((await get(olga, "AuditEvent")).status, 403, "the whole log is not hers");
  });

  await t.test("tells a security operator all of it, no patient by name", async () => {
    const all = await events(sam, "_count=200");
    assert.ok(all.some(({ subtype }) => subtype?.[0]?.code === "key-create"));
    const text = JSON.stringify(all);
    const id = parseResourceId("ana");
    invariant(id !== null, "an id");
    const pseudonym = world.vault.pseudonymOf(id);
    assert.ok(text.includes(pseudonym) && !/Patient\/|"ana"|team-ana/.test(text));
    const hers = await events(sam, `patient:identifier=urn:phylax:pseudonym|${pseudonym}`);
    assert.ok(hers.length > 0 && hers.length < all.length);
    assert.ok(hers.every((event) => JSON.stringify(event).includes(pseudonym)));
    assert.equal((await get(sam, "AuditEvent?patient=ana")).status, 403);
  });

  await t.test("goes on page by page without a gap or a repetition", async () => {
    const ids: (string | undefined)[] = [];
    let path: string | null = "AuditEvent?patient=ana&date=ge2000&_count=2";
    const whole = await events(olga, "patient=ana&date=ge2000&_count=100");
    while (path !== null) {
      const page: Bundle<AuditEvent> = bundleOf(await get(olga, path.replace(/^\/fhir\//, "")));
      const seen = eventsIn(page);
      assert.ok(seen.length <= 2);
      ids.push(...seen.map(({ id }) => id));
      path = nextOf(page);
    }
    // The readings of the log are in it, too: each page adds one.
    const before = ids.filter((id) => whole.some((event) => event.id === id));
    assert.deepEqual(
      before,
      whole.map(({ id }) => id),
    );
    assert.equal(new Set(ids).size, ids.length);
  });

  await t.test("gives one by its id to whoever may see it", async () => {
    const [event] = await events(olga, "patient=ana&subtype=read");
    assert.ok(event?.id !== undefined);
    for (const person of [olga, ana, sam]) {
      const one = await get(person, `AuditEvent/${event.id}`);
      assert.equal(one.status, 200, one.text);
      assert.ok(parseResource(one.text, {}).ok);
    }
    const berta = await world.person({ roles: ["patient"], patients: ["berta"] });
    assert.equal((await get(berta, `AuditEvent/${event.id}`)).status, 404);
    assert.equal((await get(bea, `AuditEvent/${event.id}`)).status, 403);
    assert.equal((await get(olga, "AuditEvent/e-999-1")).status, 404);
    assert.equal((await get(olga, "AuditEvent/another")).status, 404);
  });

  await t.test("takes a search by form, and logs that the log was read", async () => {
    const sent = await world.askAs(ana, "POST", "/fhir/AuditEvent/_search", {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "subtype=read",
    });
    assert.equal(eventsIn(bundleOf(sent)).length, 2);
    const last = (await world.entries()).at(-1);
    assert.equal(last?.action, "access-log");
    assert.equal(last?.count, 2);
  });

  await t.test("cannot be written, by whatever way", async () => {
    const [event] = await events(olga, "patient=ana");
    const body = JSON.stringify(event);
    const id = event?.id ?? "";
    for (const [method, path] of [
      ["POST", "/fhir/AuditEvent"],
      ["PUT", `/fhir/AuditEvent/${id}`],
      ["DELETE", `/fhir/AuditEvent/${id}`],
    ] as const) {
      const { status } = await world.askAs(bea, method, path, method === "DELETE" ? {} : { body });
      assert.equal(status, 405, method);
    }
    const entry = [{ resource: event, request: { method: "POST", url: "AuditEvent" } }];
    const bundle = { resourceType: "Bundle", type: "transaction", entry };
    const sent = await world.askAs(bea, "POST", "/fhir", { body: JSON.stringify(bundle) });
    assert.equal(sent.status, 405, sent.text);
    const [line] = await world.bring([event ?? {}]);
    assert.equal(line?.["outcome"], "refused", JSON.stringify(line));
  });

  await t.test("is not counted, sorted otherwise, or joined with records", async () => {
    for (const query of ["_summary=count", "_count=0", "_sort=date", "_include=AuditEvent:patient"])
      assert.equal((await get(olga, `AuditEvent?patient=ana&${query}`)).status, 400, query);
    const broken = await get(olga, "AuditEvent?patient:identifier=urn:other|1");
    assert.equal(broken.status, 400);
  });
});
