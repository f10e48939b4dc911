import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { Client as KitClient } from "fhir-kit-client";
import { openVisitor, signIn, type SignedIn } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import {
  kitClient,
  smartClient,
  trust,
  type SmartClient,
  type SmartResource,
} from "../support/dpop-clients.ts";

type Resource = SmartResource;

interface Bundle extends Resource {
  readonly total?: number;
  readonly link: { relation: string; url: string }[];
  readonly entry?: readonly {
    readonly resource: Resource;
    readonly search?: { readonly mode: string };
    readonly response?: { readonly status: string; readonly location?: string };
  }[];
}

const bundleOf = (resource: unknown): Bundle => {
  assert.ok(typeof resource === "object" && resource !== null);
  assert.equal((resource as Resource).resourceType, "Bundle");
  return resource as Bundle;
};

const resourcesIn = (bundle: unknown): readonly Resource[] =>
  (bundleOf(bundle).entry ?? []).map(({ resource }) => resource);

const idOf = ({ id }: Resource | { resourceType: string; id?: unknown }): string => {
  assert.ok(typeof id === "string");
  return id;
};

const weight = (patient: string, kilograms: number): Resource => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "29463-7" }], text: "Weight" },
  subject: { reference: `Patient/${patient}` },
  effectiveDateTime: "2026-09-30",
  valueQuantity: { value: kilograms, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
});

suite("public clients, as they are published, against a deployment", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let base: string;
  let doctor: SignedIn;
  let ana: SignedIn;
  let anaId: string;

  before(async () => {
    phylax = await startDeployment();
    base = `${phylax.origin}/fhir`;
    trust(phylax.authority());
    const visit = (): ReturnType<typeof openVisitor> =>
      openVisitor(phylax.origin, phylax.authority());
    doctor = await signIn(
      visit(),
      printedSignIn(phylax.output(), "clinician"),
      "openid fhirUser user/*.cruds",
    );
    ana = await signIn(visit(), printedSignIn(phylax.output(), "patient"));
    const me = await ana.ask("GET", "/api/identity/me");
    anaId = (JSON.parse(me.text) as { patients: string[] }).patients[0] ?? "";
  });
  after(() => phylax.remove());

  suite("fhir-kit-client", () => {
    let client: KitClient;
    let patient: string;

    before(async () => {
      client = kitClient(base, doctor);
      const list = await client.resourceSearch({ resourceType: "Patient" });
      patient = idOf(resourcesIn(list)[0] ?? assert.fail("the clinician has patients"));
    });

    test("finds what the server does and where to sign in, without a token", async () => {
      const bare = new KitClient({ baseUrl: base });
      const statement = await bare.capabilityStatement();
      assert.equal(statement.resourceType, "CapabilityStatement");
      const { tokenUrl } = await bare.smartAuthMetadata();
      assert.equal(String(tokenUrl), `${phylax.origin}/oauth/token`);
    });

    test("reads a resource, what it refers to, its version and its history", async () => {
      const found = await client.resourceSearch({
        resourceType: "Encounter",
        searchParams: { patient, _count: 1 },
      });
      const encounter = resourcesIn(found)[0] ?? assert.fail("no encounter");
      const { reference } = encounter["subject"] as { reference: string };
      const subject = await client.resolve({ reference, context: encounter });
      assert.equal(idOf(subject), patient);
      const own = { resourceType: "Encounter", id: idOf(encounter) };
      const read = await client.read(own);
      assert.deepEqual(read, encounter);
      assert.deepEqual(await client.vread({ ...own, version: "1" }), read);
      assert.equal(resourcesIn(await client.history(own)).length, 1);
    });

    test("searches by GET and by form, and turns the pages to the end", async () => {
      const searchParams = { patient, category: "laboratory", _count: 5 };
      const asked = { resourceType: "Observation", searchParams };
      const byGet = await client.resourceSearch(asked);
      const byForm = await client.resourceSearch({ ...asked, options: { postSearch: true } });
      assert.deepEqual(resourcesIn(byForm), resourcesIn(byGet));
      const ids = new Set<string>();
      let page: unknown = byGet;
      while (page !== undefined) {
        for (const each of resourcesIn(page)) ids.add(idOf(each));
        page = await client.nextPage({ bundle: bundleOf(page) });
      }
      assert.equal(ids.size, bundleOf(byGet).total);
      assert.ok(ids.size > 5, `${ids.size} in all`);
    });

    test("writes, changes and deletes, and is told of a stale version", async () => {
      const created = await client.create({
        resourceType: "Observation",
        body: weight(patient, 70.5),
      });
      const own = { resourceType: "Observation", id: idOf(created) };
      const { response } = KitClient.httpFor(created);
      assert.equal(response?.status, 201);
      assert.equal(response?.headers.get("location"), `${base}/Observation/${own.id}/_history/1`);
      const body = { ...created, status: "amended" };
      const ifMatch = { headers: { "If-Match": 'W/"1"' } };
      const updated = await client.update({ ...own, body, options: ifMatch });
      assert.equal(KitClient.httpFor(updated).response?.headers.get("etag"), 'W/"2"');
      await assert.rejects(client.update({ ...own, body, options: ifMatch }), (error) => {
        const { status, data } = (error as { response: { status: number; data: Resource } })
          .response;
        assert.deepEqual([status, data.resourceType], [412, "OperationOutcome"]);
        return true;
      });
      await client.delete(own);
      await assert.rejects(client.read(own), /HTTP 410/);
    });

    test("patches, and writes by condition", async () => {
      const identifier = [{ system: "https://example.org/scales", value: randomUUID() }];
      const searchParams = {
        patient,
        identifier: `${identifier[0]?.system}|${identifier[0]?.value}`,
      };
      const asked = { resourceType: "Observation", searchParams };
      const made = await client.update({ ...asked, body: { ...weight(patient, 72), identifier } });
      assert.equal(KitClient.httpFor(made).response?.status, 201);
      const again = await client.update({ ...asked, body: { ...weight(patient, 73), identifier } });
      assert.equal(idOf(again), idOf(made));
      const patched = await client.patch({
        resourceType: "Observation",
        id: idOf(made),
        jsonPatch: [{ op: "replace", path: "/status", value: "corrected" }],
      });
      assert.equal(patched["status"], "corrected");
      const same = await client.create({
        resourceType: "Observation",
        body: { ...weight(patient, 74), identifier },
        options: { headers: { "If-None-Exist": new URLSearchParams(searchParams).toString() } },
      });
      assert.equal(KitClient.httpFor(same).response?.status, 200);
      await client.delete({ resourceType: "Observation", id: idOf(made) });
    });

    test("brings along what is referred to, and what refers", async () => {
      const found = await client.resourceSearch({
        resourceType: "Encounter",
        searchParams: { patient, _count: 2, _include: "Encounter:patient" },
      });
      const modes = (bundleOf(found).entry ?? []).map(
        ({ resource, search }) => `${search?.mode ?? ""} ${resource.resourceType}`,
      );
      assert.ok(
        modes.includes("match Encounter") && modes.includes("include Patient"),
        modes.join(),
      );
      const back = await client.resourceSearch({
        resourceType: "Patient",
        searchParams: { _id: patient, _revinclude: "AllergyIntolerance:patient" },
      });
      assert.ok(resourcesIn(back).some(({ resourceType }) => resourceType === "Patient"));
    });

    test("calls operations: a whole record, a validation, the newest of each code", async () => {
      const whole = await client.operation({
        name: "everything",
        resourceType: "Patient",
        id: patient,
        method: "GET",
      });
      assert.ok(resourcesIn(whole).length > 20);
      const outcome = await client.operation({
        name: "validate",
        resourceType: "Observation",
        input: { ...weight(patient, 1), status: "no-such-status" },
      });
      assert.match(JSON.stringify(outcome), /Observation\.status/);
      const newest = await client.operation({
        name: "lastn",
        resourceType: "Observation",
        method: "GET",
        input: { patient, category: "laboratory" },
      });
      assert.ok(resourcesIn(newest).length > 0);
    });

    test("sends a transaction whose entries refer to each other, and a batch", async () => {
      const visit = "urn:uuid:5f0c2d1e-8a51-4f53-9d8f-4a3c26f1d001";
      const answered = await client.transaction({
        body: {
          resourceType: "Bundle",
          type: "transaction",
          entry: [
            {
              fullUrl: visit,
              resource: {
                resourceType: "Encounter",
                status: "finished",
                class: { code: "AMB" },
                subject: { reference: `Patient/${patient}` },
              },
              request: { method: "POST", url: "Encounter" },
            },
            {
              resource: { ...weight(patient, 71), encounter: { reference: visit } },
              request: { method: "POST", url: "Observation" },
            },
          ],
        },
      });
      const [encounter, observation] = bundleOf(answered).entry ?? [];
      const location = observation?.response?.location ?? assert.fail("no location");
      const read = await client.request(location.replace(/\/_history\/1$/, ""));
      const at = /Encounter\/[^/]+/.exec(encounter?.response?.location ?? "")?.[0];
      assert.deepEqual(read["encounter"], { reference: at });
      const batch = await client.batch({
        body: {
          resourceType: "Bundle",
          type: "batch",
          entry: [
            { request: { method: "GET", url: `Patient/${patient}` } },
            { request: { method: "GET", url: "Patient/no-such-patient" } },
          ],
        },
      });
      const statuses = (bundleOf(batch).entry ?? []).map((each) =>
        each.response?.status.slice(0, 3),
      );
      assert.equal(statuses[0], "200");
      assert.match(String(statuses[1]), /^40[34]$/);
    });
  });

  suite("fhirclient", () => {
    let client: SmartClient;

    before(() => {
      client = smartClient(base, ana);
    });

    test("knows the release, and reads its patient's record", async () => {
      assert.equal(await client.getFhirRelease(), 4);
      const own = (await client.request(`Patient/${anaId}`)) as Resource;
      assert.equal(own.id, anaId);
    });

    test("follows references and pages", async () => {
      const asked = `MedicationRequest?patient=${anaId}&_count=2`;
      const flat = (await client.request(asked, { pageLimit: 0, flat: true })) as Resource[];
      const ids = new Set(flat.map(idOf));
      assert.equal(ids.size, flat.length);
      assert.ok(ids.size > 2, `${ids.size} in all`);
      const graph = (await client.request(`MedicationRequest/${[...ids][0]}`, {
        resolveReferences: ["subject"],
      })) as { subject: Resource };
      assert.equal(graph.subject.id, anaId);
      const pages: number[] = [];
      for await (const page of client.pages(asked)) pages.push(resourcesIn(page).length);
      assert.equal(
        pages.reduce((sum, each) => sum + each, 0),
        ids.size,
      );
    });

    test("is refused a write that she may not make, by an outcome it can read", async () => {
      await assert.rejects(client.create(weight(anaId, 60)), (error) => {
        assert.equal((error as { status: number }).status, 403);
        return true;
      });
    });

    test("writes and deletes for a clinician", async () => {
      const writer = smartClient(base, doctor);
      const list = await writer.request("Patient?_count=1");
      const patient = idOf(resourcesIn(list)[0] ?? assert.fail("no patient"));
      const created = await writer.create(weight(patient, 69.9));
      const updated = await writer.update({ ...created, status: "corrected" });
      assert.equal(updated["status"], "corrected");
      const patched = await writer.patch(`Observation/${idOf(created)}`, [
        { op: "add", path: "/note", value: [{ text: "by scale" }] },
      ]);
      assert.deepEqual(patched["note"], [{ text: "by scale" }]);
      await writer.delete(`Observation/${idOf(created)}`);
      await assert.rejects(writer.request(`Observation/${idOf(created)}`), (error) => {
        assert.equal((error as { status: number }).status, 410);
        return true;
      });
    });
  });
});
