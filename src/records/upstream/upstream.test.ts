import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import type { Resource } from "@medplum/fhirtypes";
import {
  testOrigin,
  testWorld,
  type Got,
  type TestPerson,
  type TestWorld,
} from "#records/testing.ts";
import {
  plainServer,
  type Answering,
  type PlainServer,
  type PlainServerOptions,
} from "#records/upstream/testing.ts";

const lab = (id: string, patient: string, value = 13.5): Resource => ({
  resourceType: "Observation",
  id,
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }], text: "Haemoglobin" },
  subject: { reference: `Patient/${patient}` },
  valueQuantity: { value, unit: "g/dL" },
});

const team: Resource = {
  resourceType: "CareTeam",
  id: "team",
  status: "active",
  subject: { reference: "Patient/ana" },
  participant: [{ member: { reference: "Practitioner/doc" } }],
};

const refusal: Resource = {
  resourceType: "Consent",
  id: "no",
  status: "active",
  scope: {
    coding: [
      { system: "http://terminology.hl7.org/CodeSystem/consentscope", code: "patient-privacy" },
    ],
  },
  category: [{ coding: [{ system: "http://loinc.org", code: "59284-0" }] }],
  patient: { reference: "Patient/ana" },
  policyRule: {
    coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "OPTOUT" }],
  },
};

interface Scene {
  readonly world: TestWorld;
  readonly server: PlainServer;
  readonly ana: TestPerson;
  readonly doctor: TestPerson;
}

/** Ana and Ben at a plain FHIR server; the doctor stands in Ana's care team alone. */
async function scene(t: TestContext, options: PlainServerOptions = {}): Promise<Scene> {
  const server = await plainServer(t, options);
  await server.keep(
    { resourceType: "Practitioner", id: "doc", name: [{ family: "Okafor" }] },
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    lab("ana-lab", "ana"),
    lab("ben-lab", "ben"),
    team,
  );
  const world = await testWorld(t, { upstream: server.upstream });
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  return { world, server, ana, doctor };
}

const json =
  (body: unknown, status = 200): Answering =>
  (_request, response) =>
    void response
      .writeHead(status, { "content-type": "application/fhir+json" })
      .end(typeof body === "string" ? body : JSON.stringify(body));

interface Read {
  readonly resourceType: string;
  readonly id?: string;
  readonly total?: number;
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly resource: Read;
    readonly search: { readonly mode: string };
  }[];
  readonly issue?: readonly {
    readonly details: { readonly coding: readonly { readonly code: string }[] };
  }[];
}

const bodyOf = ({ text }: Got): Read => JSON.parse(text) as Read;
const codeOf = (got: Got): string => bodyOf(got).issue?.[0]?.details.coding[0]?.code ?? "none";
const idsOf = (got: Got): readonly (string | undefined)[] =>
  (bodyOf(got).entry ?? []).map(({ resource }) => resource.id);

/** The newest entry that a person made. */
async function lastOf(world: TestWorld, { account }: TestPerson) {
  const entry = (await world.entries()).findLast(({ actor }) => actor === account);
  assert.ok(entry !== undefined, "there is an entry");
  return entry;
}

suite("in front of another FHIR server", () => {
  test("a patient reads her own record, and the log has it as any reading", async (t) => {
    const { world, server, ana } = await scene(t);
    const got = await world.askAs(ana, "GET", "/fhir/Observation/ana-lab");
    assert.equal(got.status, 200, got.text);
    assert.match(got.text, /Haemoglobin/);
    assert.equal(got.headers["set-cookie"], undefined);
    assert.equal(got.headers["x-upstream"], undefined);
    assert.equal(got.headers["cache-control"], "no-store");
    const entry = await lastOf(world, ana);
    assert.equal(entry.action, "read");
    assert.equal(entry.decision, "permit");
    assert.equal(entry.resourceId, "ana-lab");
    assert.equal(entry.count, 1);
    assert.equal(entry.dekVersion, null);
    assert.ok(entry.patient !== null && entry.categories.includes("Observation"));
    assert.ok(server.asked.includes("GET /fhir/R4/Observation/ana-lab"));
    const own = (await world.entries()).filter(({ actor }) => actor === "process:records");
    assert.ok(
      own.some(({ resourceType, patient }) => resourceType === "Consent" && patient !== null),
    );
  });

  test("another patient's record looks to her like none, and without a token nothing is asked", async (t) => {
    const { world, server, ana } = await scene(t);
    const [others, none] = [
      await world.askAs(ana, "GET", "/fhir/Observation/ben-lab"),
      await world.askAs(ana, "GET", "/fhir/Observation/never-was"),
    ];
    assert.equal(others.status, 404);
    assert.equal(others.text, none.text);
    assert.equal((await world.entries()).filter(({ decision }) => decision === "deny").length, 1);
    const before = server.asked.length;
    assert.equal((await world.ask("GET", "/fhir/Observation/ana-lab")).status, 401);
    assert.equal(server.asked.length, before);
  });

  test("a clinician reads by the care team that the server behind has", async (t) => {
    const { world, doctor } = await scene(t);
    assert.equal((await world.askAs(doctor, "GET", "/fhir/Observation/ana-lab")).status, 200);
    const refused = await world.askAs(doctor, "GET", "/fhir/Observation/ben-lab");
    assert.equal(refused.status, 403, refused.text);
    assert.doesNotMatch(refused.text, /Haemoglobin/);
    assert.equal((await lastOf(world, doctor)).decision, "deny");
  });

  test("a Consent that the server behind has forbids here, and one that cannot be read forbids all", async (t) => {
    for (const consent of [refusal, { ...refusal, status: "nonsense" }]) {
      const { world, server, ana, doctor } = await scene(t);
      const entry = [{ resource: consent }];
      server.answer("/Consent/_search", json({ resourceType: "Bundle", type: "searchset", entry }));
      assert.equal((await world.askAs(doctor, "GET", "/fhir/Observation/ana-lab")).status, 403);
      assert.equal((await world.askAs(ana, "GET", "/fhir/Observation/ana-lab")).status, 200);
    }
  });

  test("nothing is shown where Consents cannot be had", async (t) => {
    const { world, server, ana } = await scene(t);
    server.answer("/Consent/_search", json({ resourceType: "OperationOutcome" }, 500));
    const got = await world.askAs(ana, "GET", "/fhir/Observation/ana-lab");
    assert.equal(got.status, 502);
    assert.doesNotMatch(got.text, /Haemoglobin/);
  });

  test("a search is held to one patient, filtered, and tells no total", async (t) => {
    const { world, server, ana, doctor } = await scene(t);
    const own = await world.askAs(ana, "GET", "/fhir/Observation?code=718-7");
    assert.equal(own.status, 200, own.text);
    assert.deepEqual(idsOf(own), ["ana-lab"]);
    assert.equal(bodyOf(own).total, undefined);
    assert.ok(
      !server.asked.some((line) => line.includes("718-7")),
      "the terms stand in no address",
    );
    const entry = await lastOf(world, ana);
    assert.deepEqual([entry.action, entry.count, entry.dekVersion], ["search", 1, null]);
    const named = await world.askAs(doctor, "GET", "/fhir/Observation?patient=ana");
    assert.deepEqual(idsOf(named), ["ana-lab"]);
    const form = await world.askAs(doctor, "POST", "/fhir/Observation/_search", {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "patient=ana",
    });
    assert.deepEqual(idsOf(form), ["ana-lab"]);
    const asked = server.asked.filter((line) => line.includes("/Observation")).length;
    assert.equal((await world.askAs(doctor, "GET", "/fhir/Observation?patient=ben")).status, 403);
    assert.equal(server.asked.filter((line) => line.includes("/Observation")).length, asked);
    assert.equal((await world.askAs(doctor, "GET", "/fhir/Observation?code=718-7")).status, 400);
  });

  test("what is labelled is decided by its labels, however little of it is asked for", async (t) => {
    const { world, server, ana } = await scene(t);
    const system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    const meta = { security: [{ system, code: "PSYTHPN" }] };
    server.answer("/Observation/note", json({ ...lab("note", "ana"), meta }));
    assert.equal((await world.askAs(ana, "GET", "/fhir/Observation/note")).status, 404);
    assert.equal((await lastOf(world, ana)).decision, "deny");
    const entry = [
      { resource: lab("ana-lab", "ana") },
      { resource: { ...lab("note", "ana"), meta } },
    ];
    server.answer(
      "/Observation/_search",
      json({ resourceType: "Bundle", type: "searchset", entry }),
    );
    for (const path of [
      "/fhir/Observation",
      "/fhir/Observation?_elements=code",
      "/fhir/Observation?_summary=true",
    ]) {
      const got = await world.askAs(ana, "GET", path);
      assert.equal(got.status, 200, got.text);
      assert.deepEqual([path, idsOf(got)], [path, ["ana-lab"]]);
      assert.equal((await lastOf(world, ana)).count, 1);
    }
  });

  test("further pages are reached by our own links, and by the caller alone", async (t) => {
    const { world, server, ana, doctor } = await scene(t);
    await server.keep(lab("ana-lab-2", "ana"), lab("ana-lab-3", "ana"));
    const seen: (string | undefined)[] = [];
    let path = "/fhir/Observation?patient=ana&_count=2";
    const cursors: string[] = [];
    for (let pages = 0; path !== "" && pages < 5; pages += 1) {
      const got = await world.askAs(ana, "GET", path);
      assert.equal(got.status, 200, got.text);
      assert.ok(!got.text.includes(server.base.origin), "no address of the server behind");
      seen.push(...idsOf(got));
      const next = bodyOf(got).link?.find(({ relation }) => relation === "next")?.url ?? "";
      assert.ok(next === "" || next.startsWith(`${testOrigin}/fhir/Observation?_cursor=`));
      path = next.slice(testOrigin.length);
      if (path !== "") cursors.push(path);
    }
    assert.deepEqual(new Set(seen), new Set(["ana-lab", "ana-lab-2", "ana-lab-3"]));
    assert.equal(seen.length, 3);
    assert.equal(cursors.length, 1);
    assert.equal((await world.askAs(doctor, "GET", cursors[0] ?? "")).status, 400);
  });

  test("what shows more than its matches is not offered, and nothing is written", async (t) => {
    const { world, server, ana } = await scene(t);
    const before = server.asked.length;
    for (const path of [
      "/fhir/Observation?subject:Patient.name=x",
      "/fhir/Patient?_id=ana&_has:Observation:patient:code=718-7",
      "/fhir/Observation?patient=ana&_include=Observation:subject",
      "/fhir/Observation?patient=ana&_summary=count",
      "/fhir/Observation/ana-lab/_history",
      "/fhir/Patient/ana/$everything",
    ]) {
      const got = await world.askAs(ana, "GET", path);
      assert.deepEqual([path, got.status, codeOf(got)], [path, 501, "upstream-unsupported"]);
    }
    for (const method of ["PUT", "DELETE", "PATCH"] as const) {
      const body = method === "DELETE" ? {} : { body: JSON.stringify(lab("ana-lab", "ana")) };
      const got = await world.askAs(ana, method, "/fhir/Observation/ana-lab", body);
      assert.equal(got.status, 501);
    }
    assert.equal(server.asked.length, before);
  });

  test("metadata tells what is offered", async (t) => {
    const { world } = await scene(t);
    const got = await world.ask("GET", "/fhir/metadata");
    assert.equal(got.status, 200);
    assert.match(got.text, /"type":"Observation","interaction":\[\{"code":"read"\}/);
    assert.doesNotMatch(got.text, /"code":"(?:create|update|transaction)"/);
  });
});

suite("attacks by the server behind, or through it", () => {
  test("a redirect is not followed", async (t) => {
    const { world, server, ana } = await scene(t);
    server.answer("/Observation/ana-lab", (_request, response) => {
      response.writeHead(302, { location: `${server.base.origin}/fhir/R4/Patient/ana` }).end();
    });
    const got = await world.askAs(ana, "GET", "/fhir/Observation/ana-lab");
    assert.equal(got.status, 502);
    assert.equal(got.headers["location"], undefined);
    assert.ok(!server.asked.includes("GET /fhir/R4/Patient/ana"));
  });

  test("an answer with another resource or another patient's is thrown away with an alarm", async (t) => {
    const { world, server, ana, doctor } = await scene(t);
    server.answer("/Observation/ana-lab", json(lab("ben-lab", "ben")));
    const got = await world.askAs(doctor, "GET", "/fhir/Observation/ana-lab");
    assert.deepEqual([got.status, codeOf(got)], [502, "upstream-refused"]);
    assert.equal((await lastOf(world, doctor)).signal, "upstream-misanswered");
    server.answer("/Observation/mine", json(lab("mine", "ben")));
    assert.equal((await world.askAs(ana, "GET", "/fhir/Observation/mine")).status, 404);
    const entry = [{ resource: lab("ana-lab", "ana") }, { resource: lab("ben-lab", "ben") }];
    server.answer(
      "/Observation/_search",
      json({ resourceType: "Bundle", type: "searchset", entry }),
    );
    const found = await world.askAs(ana, "GET", "/fhir/Observation");
    assert.deepEqual([found.status, codeOf(found)], [502, "upstream-refused"]);
    assert.doesNotMatch(found.text, /Haemoglobin/);
    assert.equal((await lastOf(world, ana)).signal, "upstream-misanswered");
  });

  test("its error texts and addresses reach nobody", async (t) => {
    const { world, server, ana } = await scene(t);
    for (const status of [400, 401, 403, 404, 500, 503]) {
      server.answer(
        "/Observation/ana-lab",
        json({ issue: "Haemoglobin of Ana at 10.0.0.7" }, status),
      );
      const got = await world.askAs(ana, "GET", "/fhir/Observation/ana-lab");
      assert.ok(got.status >= 400 && got.status !== 401 && got.status !== 403, String(got.status));
      assert.doesNotMatch(got.text, /Haemoglobin|10\.0\.0\.7/);
    }
    const theirs = `${server.base.origin}${server.base.path}`;
    const subject = { reference: `${theirs}/Patient/ana` };
    const note = [{ text: `see ${theirs}/Observation/1 and ${server.base.origin}/admin` }];
    server.answer("/Observation/far", json({ ...lab("far", "ana"), subject, note }));
    const got = await world.askAs(ana, "GET", "/fhir/Observation/far");
    assert.equal(got.status, 200, got.text);
    assert.ok(!got.text.includes(server.base.origin));
    assert.match(got.text, /"reference":"Patient\/ana"/);
  });

  test("an answer that is too long, too slow or no JSON shows nothing", async (t) => {
    const { world, server, ana } = await scene(t, { answerBytes: 20_000, timeoutMs: 1_000 });
    const long = { ...lab("long", "ana"), note: [{ text: "x".repeat(30_000) }] };
    server.answer("/Observation/long", json(long));
    server.answer("/Observation/slow", () => {});
    server.answer("/Observation/page", (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<p>Haemoglobin</p>");
    });
    server.answer("/Observation/broken", json('{"resourceType":"Observation"'));
    const status = async (id: string): Promise<number> => {
      const got = await world.askAs(ana, "GET", `/fhir/Observation/${id}`);
      assert.doesNotMatch(got.text, /Haemoglobin|xxx/);
      return got.status;
    };
    assert.equal(await status("long"), 502);
    assert.equal(await status("slow"), 504);
    assert.equal(await status("page"), 502);
    assert.equal(await status("broken"), 404);
    assert.deepEqual(
      server.faults.map(({ code }) => code),
      ["answer-refused", "too-slow", "status-200"],
    );
    server.stop();
    assert.equal(await status("ana-lab"), 502);
  });

  test("no id and no further page leads out of what was asked", async (t) => {
    const { world, server, ana } = await scene(t);
    const before = server.asked.length;
    assert.equal((await world.askAs(ana, "GET", "/fhir/Observation/..")).status, 404);
    assert.equal((await world.askAs(ana, "GET", "/fhir/Observation/../_history/1")).status, 404);
    assert.equal(server.asked.length, before);
    for (const url of [
      "https://evil.example/fhir/R4/x",
      `${server.base.origin}/admin`,
      "../../admin",
    ]) {
      const link = [{ relation: "next", url }];
      server.answer(
        "/Observation/_search",
        json({ resourceType: "Bundle", type: "searchset", link }),
      );
      assert.equal((await world.askAs(ana, "GET", "/fhir/Observation")).status, 502, url);
    }
  });

  test("a resource that does not follow R4 is left out of a search, and the answer says how many", async (t) => {
    const { world, server, ana } = await scene(t);
    const broken = { ...lab("odd", "ana"), status: 7 };
    const entry = [{ resource: lab("ana-lab", "ana") }, { resource: broken }];
    server.answer(
      "/Observation/_search",
      json({ resourceType: "Bundle", type: "searchset", entry }),
    );
    const got = await world.askAs(ana, "GET", "/fhir/Observation");
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(
      bodyOf(got).entry?.map(({ search }) => search.mode),
      ["match", "outcome"],
    );
    assert.doesNotMatch(got.text, /"odd"/);
  });
});
