import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import type { AccessLogPage, ChartPairPage, StandingMergePage } from "#core/wire.ts";
import {
  testWorld,
  type Got,
  type TestPerson,
  type TestWorld,
  type WorldChanges,
} from "#records/testing.ts";
import type { Transaction } from "#storage/database.ts";

const path = "/api/records/chart-decisions";

const ana = {
  resourceType: "Patient",
  id: "ana",
  identifier: [{ system: "urn:example:mrn", value: "M-1" }],
  active: true,
  name: [{ family: "García", given: ["Ana"] }],
  gender: "female",
  birthDate: "1980-05-03",
  telecom: [{ system: "email", value: "ana.garcia@example.com" }],
};
const again = {
  ...ana,
  id: "again",
  identifier: [{ system: "urn:example:mrn", value: "M-2" }],
  name: [{ family: "Garica", given: ["Ana"] }],
};
const third = {
  resourceType: "Patient",
  id: "third",
  name: [{ family: "Okafor", given: ["Ben"] }],
  birthDate: "1961-12-24",
};

const observation = (id: string, patient: string): object => ({
  resourceType: "Observation",
  id,
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }] },
  subject: { reference: `Patient/${patient}` },
});

const team = (patient: string, practitioner: string): object => ({
  resourceType: "CareTeam",
  id: `team-${patient}`,
  status: "active",
  subject: { reference: `Patient/${patient}` },
  participant: [{ member: { reference: `Practitioner/${practitioner}` } }],
});

interface Clinic {
  readonly world: TestWorld;
  readonly officer: TestPerson;
  /** Of Ana's care team. */
  readonly clinician: TestPerson;
  readonly patient: TestPerson;
  readonly decide: (body: object, person?: TestPerson) => Promise<Got>;
  readonly read: (person: TestPerson, at: string) => Promise<Got>;
  /** Stored texts of both Patients, without version and time. */
  readonly texts: () => Promise<readonly string[]>;
}

async function clinic(t: TestContext, changes: WorldChanges = {}): Promise<Clinic> {
  const world = await testWorld(t, changes);
  await world.bring([
    { resourceType: "Practitioner", id: "doc" },
    ana,
    again,
    third,
    team("ana", "doc"),
    observation("old", "ana"),
    observation("new", "again"),
    observation("other", "third"),
  ]);
  const officer = await world.person({ roles: ["privacy-officer"] });
  const clinician = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const patient = await world.person({ roles: ["patient"], patients: ["ana"] });
  const owner = await world.person({ roles: ["patient"], patients: ["again"] });
  const read: Clinic["read"] = (person, at) => world.askAs(person, "GET", `/fhir/${at}`);
  return {
    world,
    officer,
    clinician,
    patient,
    read,
    decide: (body, person = officer) =>
      world.askAs(person, "POST", path, { body: JSON.stringify(body) }),
    texts: async () => {
      const found = await Promise.all([read(patient, "Patient/ana"), read(owner, "Patient/again")]);
      return found.map(({ status, text }) => {
        assert.equal(status, 200, text);
        return text.replace(/"versionId":"\d+"/, "").replace(/"lastUpdated":"[^"]+"/, "");
      });
    },
  };
}

const merging = {
  kind: "merge",
  survivor: "ana",
  survivorVersion: 1,
  other: "again",
  otherVersion: 1,
  reason: "She showed both cards; same e-mail.",
};
const parting = { ...merging, kind: "unmerge", survivorVersion: 2, otherVersion: 2 };

function done(got: Got): string {
  assert.equal(got.status, 200, got.text);
  return (JSON.parse(got.text) as { id: string }).id;
}

const codeOf = ({ status, text }: Got): readonly unknown[] => [
  status,
  (JSON.parse(text) as { type: string }).type.split(":").at(-1),
];

suite("deciding that two charts are one person's", () => {
  test("both Patients say so, and her care team and she herself reach both charts at once", async (t) => {
    const { decide, read, clinician, patient } = await clinic(t);
    assert.equal((await read(clinician, "Observation/new")).status, 403);
    done(await decide(merging));
    for (const person of [clinician, patient]) {
      const survivor = JSON.parse((await read(person, "Patient/ana")).text) as typeof ana;
      assert.deepEqual("link" in survivor && survivor.link, [
        { other: { reference: "Patient/again" }, type: "replaces" },
      ]);
      const merged = JSON.parse((await read(person, "Patient/again")).text) as typeof ana;
      assert.equal(merged.active, false);
      assert.deepEqual("link" in merged && merged.link, [
        { other: { reference: "Patient/ana" }, type: "replaced-by" },
      ]);
      assert.equal((await read(person, "Observation/new")).status, 200);
      assert.equal((await read(person, "Observation/old")).status, 200);
      assert.notEqual((await read(person, "Observation/other")).status, 200);
    }
  });

  test("a search of either chart finds what is in both, page by page, until they are parted", async (t) => {
    const { decide, read, clinician, patient, world } = await clinic(t);
    done(await decide(merging));
    const found = async (person: TestPerson, query: string): Promise<readonly string[]> => {
      const got = await read(person, `Observation?${query}`);
      assert.equal(got.status, 200, got.text);
      const bundle = JSON.parse(got.text) as {
        total: number;
        entry?: readonly { resource: { id: string } }[];
        link: readonly { relation: string; url: string }[];
      };
      const ids = (bundle.entry ?? []).map(({ resource }) => resource.id);
      const next = bundle.link.find(({ relation }) => relation === "next");
      if (next === undefined) return ids;
      return [...ids, ...(await found(person, next.url.slice(next.url.indexOf("?") + 1)))];
    };
    for (const person of [clinician, patient])
      for (const query of [
        "patient=ana",
        "subject=Patient/again&code=718-7",
        "subject:Patient=ana",
        "patient=ana&_count=1",
      ])
        assert.deepEqual((await found(person, query)).toSorted(), ["new", "old"], query);
    assert.deepEqual((await found(patient, "code=718-7")).toSorted(), ["new", "old"]);
    const self = (await read(patient, "Observation?patient=ana")).text;
    assert.match(self, /Observation\?patient=ana"/);
    const searched = (await world.entries()).filter(({ action }) => action === "search");
    assert.equal(new Set(searched.map((entry) => entry.patient)).size, 2);
    done(await decide(parting));
    for (const person of [clinician, patient])
      assert.deepEqual(await found(person, "patient=ana"), ["old"]);
  });

  test("everything of the surviving chart holds the other, the Patient asked for first", async (t) => {
    const { decide, read, patient, world } = await clinic(t);
    done(await decide(merging));
    const got = await read(patient, "Patient/ana/$everything?_type=Patient,Observation");
    assert.equal(got.status, 200, got.text);
    const { entry } = JSON.parse(got.text) as { entry: readonly { resource: { id: string } }[] };
    assert.deepEqual(
      entry.map(({ resource }) => resource.id),
      ["ana", "again", "new", "old"],
    );
    const exported = (await world.entries()).filter(({ action }) => action === "export");
    assert.equal(new Set(exported.map((each) => each.patient)).size, 2);
  });

  test("parting them restores both Patients to the character, and each goes her own way again", async (t) => {
    const { decide, read, clinician, patient, texts } = await clinic(t);
    const before = await texts();
    done(await decide(merging));
    assert.notDeepEqual(await texts(), before);
    done(await decide(parting));
    assert.deepEqual(await texts(), before);
    assert.equal((await read(clinician, "Observation/new")).status, 403);
    assert.equal((await read(patient, "Observation/new")).status, 404);
    assert.equal((await read(patient, "Observation/old")).status, 200);
  });

  test("the reason is sealed in the surviving chart, and the log names both charts and holds no PHI", async (t) => {
    const { decide, world, read, patient } = await clinic(t);
    const task = done(await decide(merging));
    const text = (await read(patient, `Task/${task}`)).text;
    assert.match(text, /She showed both cards/);
    assert.match(text, /"text":"birthDate"/);
    const entries = (await world.entries()).filter(({ action }) => action === "merge");
    assert.deepEqual(
      entries.map(({ resourceType, resourceVersion, decision, reasons }) => [
        resourceType,
        resourceVersion,
        decision,
        reasons,
      ]),
      [
        ["Patient", 2, "permit", ["privacy-officer-matching"]],
        ["Patient", 2, "permit", ["privacy-officer-matching"]],
        ["Task", 1, "permit", ["privacy-officer-matching"]],
      ],
    );
    assert.equal(new Set(entries.map((entry) => entry.patient)).size, 2);
    assert.ok(entries.every(({ ciphertextHash }) => ciphertextHash !== null));
    const rows = await world.db.query<{ row: string }>(
      `SELECT to_jsonb(d)::text || to_jsonb(m)::text AS row
       FROM records.chart_decision d, records.merged_chart m`,
    );
    assert.doesNotMatch(JSON.stringify([rows, entries]), /Garc|cards|1980/);
  });

  test("who looked at other versions, or comes second, decides nothing", async (t) => {
    const { decide, world } = await clinic(t);
    assert.deepEqual(codeOf(await decide({ ...merging, otherVersion: 7 })), [
      412,
      "version-conflict",
    ]);
    const both = await Promise.all([
      decide(merging),
      decide({ ...merging, survivor: "again", other: "ana" }),
    ]);
    assert.deepEqual(
      both.map(({ status }) => status).sort((a, b) => a - b),
      [200, 412],
      both.map(({ text }) => text).join(),
    );
    const [count] = await world.db.query<{ n: number }>(
      "SELECT count(*) AS n FROM records.merged_chart",
    );
    assert.equal(count?.n, 1);
    assert.equal(world.faults.length, 0);
  });

  test("a transaction that breaks off at its last statement leaves nothing of the decision", async (t) => {
    const failing = (tx: Transaction): Transaction => ({
      query: (statement, values) => {
        const text = typeof statement === "string" ? statement : statement.text;
        return text.includes("INSERT INTO records.merged_chart")
          ? Promise.reject(new Error("the connection was cut"))
          : tx.query(statement, values);
      },
      last: (statement) => tx.last(statement),
    });
    const { decide, texts, world, clinician, read } = await clinic(t, {
      logDb: (db) => ({ ...db, transaction: (work) => db.transaction((tx) => work(failing(tx))) }),
    });
    const before = await texts();
    const got = await decide(merging);
    assert.ok(got.status >= 500, got.text);
    assert.deepEqual(await texts(), before);
    assert.equal((await read(clinician, "Observation/new")).status, 403);
    const rows = await world.db.query("SELECT FROM records.chart_decision");
    assert.equal(rows.length, 0);
    const tasks = await world.db.query("SELECT FROM records.resource WHERE type = 'Task'");
    assert.equal(tasks.length, 0);
  });

  test("a chart that is merged is not merged further, whichever way", async (t) => {
    const { decide } = await clinic(t);
    done(await decide(merging));
    const onward = { ...merging, survivor: "third", survivorVersion: 1, otherVersion: 2 };
    for (const other of ["ana", "again"])
      assert.deepEqual(codeOf(await decide({ ...onward, other })), [409, "chart-merged"]);
    assert.deepEqual(codeOf(await decide({ ...parting, survivor: "third", survivorVersion: 1 })), [
      404,
      "not-found",
    ]);
    const also = { ...merging, survivorVersion: 2, other: "third" };
    done(await decide(also));
  });

  test("nobody but a privacy officer decides, and of nobody's chart", async (t) => {
    const { decide, world, clinician, patient } = await clinic(t);
    const administrator = await world.person({ roles: ["administrator"] });
    for (const person of [clinician, patient, administrator])
      assert.equal((await decide(merging, person)).status, 403);
    assert.equal((await decide({ ...merging, other: "nobody" })).status, 404);
    const denied = (await world.entries()).filter(({ decision }) => decision === "deny");
    assert.equal(denied.length, 3);
  });

  test("a decision without a reason, or that is none, is refused by the name of what is wrong", async (t) => {
    const { decide, world } = await clinic(t);
    const wrong: readonly [object, string][] = [
      [{ ...merging, reason: " " }, "reason"],
      [{ ...merging, reason: "x".repeat(2_001) }, "reason"],
      [{ ...merging, kind: "delete" }, "kind"],
      [{ ...merging, other: "ana" }, "other"],
      [{ ...merging, survivor: "a/b" }, "survivor"],
      [{ ...merging, otherVersion: "1" }, "otherVersion"],
    ];
    for (const [body, at] of wrong) {
      const got = await decide(body);
      assert.equal(got.status, 400, got.text);
      assert.match(got.text, new RegExp(at));
    }
    const control = await decide({ ...merging, reason: "a\u0000b" });
    assert.equal(control.status, 422, control.text);
    const rows = await world.db.query("SELECT FROM records.chart_decision");
    assert.equal(rows.length, 0);
  });
});

suite("what a person forbids and who looked, once her charts are merged", () => {
  const denial = (patient: string, actor: object): object => ({
    resourceType: "Consent",
    id: `no-${patient}`,
    status: "active",
    scope: {
      coding: [
        { system: "http://terminology.hl7.org/CodeSystem/consentscope", code: "patient-privacy" },
      ],
    },
    category: [{ text: "privacy" }],
    patient: { reference: `Patient/${patient}` },
    policyRule: { text: "our form" },
    provision: { type: "permit", provision: [{ type: "deny", actor: [actor] }] },
  });
  const doctor = { role: { text: "clinician" }, reference: { reference: "Practitioner/doc" } };
  const statuses = async ({ read, clinician }: Clinic): Promise<readonly number[]> =>
    Promise.all(
      ["old", "new"].map(async (id) => (await read(clinician, `Observation/${id}`)).status),
    );

  for (const chart of ["ana", "again"])
    test(`a denial in ${chart}'s chart holds for both at once, and for its own alone when they are parted`, async (t) => {
      const made = await clinic(t);
      await made.world.bring([team("again", "doc"), denial(chart, doctor)]);
      const apart = chart === "ana" ? [403, 200] : [200, 403];
      assert.deepEqual(await statuses(made), apart);
      done(await made.decide(merging));
      assert.deepEqual(await statuses(made), [403, 403]);
      const search = await made.read(made.clinician, "Observation?patient=ana");
      assert.equal(search.status, 403, search.text);
      done(await made.decide(parting));
      assert.deepEqual(await statuses(made), apart);
    });

  test("a denial written after the merge holds for both from its answer on", async (t) => {
    const made = await clinic(t);
    done(await made.decide(merging));
    assert.deepEqual(await statuses(made), [200, 200]);
    await made.world.bring([denial("again", doctor)]);
    assert.deepEqual(await statuses(made), [403, 403]);
  });

  test("she is the patient in each of her charts, not one who acts for her", async (t) => {
    const made = await clinic(t);
    const others = {
      role: { text: "representative" },
      reference: { reference: "RelatedPerson/son" },
    };
    await made.world.bring([
      { resourceType: "RelatedPerson", id: "son", patient: { reference: "Patient/ana" } },
      denial("ana", others),
    ]);
    done(await made.decide(merging));
    for (const id of ["old", "new"])
      assert.equal((await made.read(made.patient, `Observation/${id}`)).status, 200);
    const proxy = await made.world.person({ roles: ["proxy"], patients: ["again"] });
    for (const id of ["old", "new"])
      assert.notEqual((await made.read(proxy, `Observation/${id}`)).status, 200);
  });
});

suite("who looked at either of two merged charts", () => {
  const looked = async (
    { world }: Clinic,
    person: TestPerson,
    patient: string,
  ): Promise<readonly string[]> => {
    const got = await world.askAs(person, "GET", `/api/records/access-log?patient=${patient}`);
    assert.equal(got.status, 200, got.text);
    const page = JSON.parse(got.text) as AccessLogPage;
    return page.readings
      .filter(({ action }) => action === "read")
      .map(({ who, count }) => `${who} ${count}`);
  };
  const events = async (
    { read }: Clinic,
    person: TestPerson,
    query: string,
  ): Promise<readonly string[]> => {
    const got = await read(person, `AuditEvent?subtype=read&${query}`);
    assert.equal(got.status, 200, got.text);
    const { entry = [] } = JSON.parse(got.text) as {
      entry?: readonly { resource: { entity: readonly { what: { reference?: string } }[] } }[];
    };
    return entry.map(({ resource }) => resource.entity[0]?.what.reference ?? "").toSorted();
  };

  test("is seen in one list, by whichever chart is asked for, until they are parted", async (t) => {
    const made = await clinic(t);
    await made.world.bring([team("again", "doc")]);
    for (const id of ["old", "new", "new"])
      assert.equal((await made.read(made.clinician, `Observation/${id}`)).status, 200);
    const both = ["Patient/again", "Patient/again", "Patient/ana"];
    assert.equal((await looked(made, made.patient, "ana")).length, 1);
    done(await made.decide(merging));
    for (const person of [made.patient, made.officer])
      for (const chart of ["ana", "again"]) {
        assert.equal((await looked(made, person, chart)).length, 3, chart);
        assert.deepEqual(await events(made, person, `patient=${chart}`), both);
        assert.deepEqual(await events(made, person, `patient=Patient/${chart}`), both);
      }
    assert.deepEqual(await events(made, made.patient, ""), both, "her only log is that of both");
    done(await made.decide(parting));
    assert.equal((await looked(made, made.patient, "ana")).length, 1);
    assert.deepEqual(await events(made, made.officer, "patient=ana"), ["Patient/ana"]);
    assert.deepEqual(await events(made, made.patient, ""), ["Patient/ana"]);
    const other = await made.world.askAs(
      made.patient,
      "GET",
      "/api/records/access-log?patient=again",
    );
    assert.equal(other.status, 403);
  });

  test("is itself in the log of each chart, and by pseudonym one chart's alone for who keeps the system", async (t) => {
    const made = await clinic(t);
    done(await made.decide(merging));
    await looked(made, made.officer, "ana");
    const looks = (await made.world.entries()).filter(({ action }) => action === "access-log");
    const charts = new Set(looks.map(({ patient }) => patient));
    assert.equal(looks.length, 2);
    assert.equal(charts.size, 2);
    const operator = await made.world.person({ roles: ["security-operator"] });
    for (const chart of charts) {
      const query = `patient:identifier=${encodeURIComponent(`urn:phylax:pseudonym|${chart}`)}`;
      const got = await made.read(operator, `AuditEvent?${query}&_count=200`);
      assert.equal(got.status, 200, got.text);
      for (const each of charts) assert.equal(got.text.includes(String(each)), each === chart);
    }
  });
});

suite("writing a Patient who is part of a merge", () => {
  const outcomeCode = ({ status, text }: Got): readonly unknown[] => {
    const outcome = JSON.parse(text) as {
      issue: { details: { coding: { code: string }[] } }[];
    };
    return [status, outcome.issue[0]?.details.coding[0]?.code];
  };

  /** Every way in which a client may write; each answers. */
  async function writer(made: Clinic) {
    const { world } = made;
    const clerk = await world.person({ roles: ["clinician"], practitioner: "doc" });
    const ask = (method: "PUT" | "PATCH" | "DELETE" | "POST", at: string, body?: object) =>
      world.askAs(clerk, method, at, {
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(method === "PATCH"
          ? { headers: { "content-type": "application/json-patch+json" } }
          : {}),
      });
    const bundle = (...entry: readonly object[]) =>
      ask("POST", "/fhir", { resourceType: "Bundle", type: "transaction", entry });
    return { ask, bundle };
  }

  test("must keep the link that the decision wrote, and is not deleted, whichever way", async (t) => {
    const made = await clinic(t);
    await made.world.bring([team("again", "doc")]);
    done(await made.decide(merging));
    const { ask, bundle } = await writer(made);
    const before = await made.texts();
    for (const patient of [ana, again]) {
      const at = `/fhir/Patient/${patient.id}`;
      const request = { method: "PUT", url: `Patient/${patient.id}` };
      const wrong = {
        ...patient,
        link: [{ other: { reference: "Patient/third" }, type: "refer" }],
      };
      for (const got of [
        await ask("PUT", at, patient),
        await ask("PUT", at, wrong),
        await ask("PATCH", at, [{ op: "remove", path: "/link" }]),
        await ask("DELETE", at),
        await bundle(
          {
            resource: observation("extra", "ana"),
            request: { method: "PUT", url: "Observation/extra" },
          },
          { resource: patient, request },
        ),
        await bundle({ request: { ...request, method: "DELETE" } }),
      ])
        assert.deepEqual(outcomeCode(got), [409, "chart-merged"], got.text);
    }
    const imported = await made.world.bring([ana, again]);
    assert.equal(imported.length, 2);
    for (const line of imported) assert.match(JSON.stringify(line), /chart-merged/);
    assert.deepEqual(await made.texts(), before);
    const extra = await made.read(made.patient, "Observation/extra");
    assert.equal(extra.status, 404, "a transaction leaves nothing");
  });

  test("is otherwise changed as ever, and freely once the merge is taken back", async (t) => {
    const made = await clinic(t);
    await made.world.bring([team("again", "doc")]);
    done(await made.decide(merging));
    const { ask } = await writer(made);
    for (const id of ["ana", "again"]) {
      const kept = JSON.parse((await made.read(made.patient, `Patient/${id}`)).text) as object;
      const changed = await ask("PUT", `/fhir/Patient/${id}`, { ...kept, gender: "other" });
      assert.equal(changed.status, 200, changed.text);
      const patched = await ask("PATCH", `/fhir/Patient/${id}`, [
        { op: "replace", path: "/birthDate", value: "1981-05-03" },
      ]);
      assert.equal(patched.status, 200, patched.text);
    }
    done(await made.decide({ ...parting, survivorVersion: 4, otherVersion: 4 }));
    const put = await ask("PUT", "/fhir/Patient/ana", ana);
    assert.equal(put.status, 200, put.text);
    const deleted = await ask("DELETE", "/fhir/Patient/again");
    assert.equal(deleted.status, 204, deleted.text);
  });
});

suite("the list of possible duplicates", () => {
  const pairs = async ({ world, officer }: Clinic): Promise<ChartPairPage> => {
    const got = await world.askAs(officer, "GET", "/api/records/possible-duplicates");
    assert.equal(got.status, 200, got.text);
    return JSON.parse(got.text) as ChartPairPage;
  };

  test("names pairs with what agrees, until somebody has decided", async (t) => {
    const made = await clinic(t);
    const page = await pairs(made);
    assert.equal(page.looked, 3);
    assert.equal(page.next, null);
    const [pair, more] = page.pairs;
    assert.ok(pair !== undefined && more === undefined);
    assert.deepEqual([pair.one.id, pair.other.id].sort(), ["again", "ana"]);
    assert.ok(pair.evidence.some(({ field, verdict }) => field === "family" && verdict === "slip"));
    const shown = (await made.world.entries()).filter(({ action }) => action === "match");
    assert.deepEqual(shown.map(({ resourceId }) => String(resourceId)).sort(), ["again", "ana"]);

    done(await made.decide({ ...merging, kind: "distinct" }));
    assert.deepEqual((await pairs(made)).pairs, []);
    done(await made.decide(merging));
    assert.deepEqual((await pairs(made)).pairs, []);
    done(await made.decide(parting));
    assert.equal((await pairs(made)).pairs.length, 1);
  });

  test("merges that stand are listed, to be taken back", async (t) => {
    const { world, officer, decide } = await clinic(t);
    const task = done(await decide(merging));
    const list = async (): Promise<StandingMergePage> => {
      const got = await world.askAs(officer, "GET", path);
      assert.equal(got.status, 200, got.text);
      return JSON.parse(got.text) as StandingMergePage;
    };
    const { merges } = await list();
    assert.deepEqual(
      merges.map(({ id, byYou, survivor, other }) => [
        id,
        byYou,
        survivor.id,
        other.id,
        other.version,
      ]),
      [[task, true, "ana", "again", 2]],
    );
    done(await decide(parting));
    assert.deepEqual((await list()).merges, []);
  });

  test("is for nobody but a privacy officer", async (t) => {
    const { world, clinician, patient } = await clinic(t);
    for (const person of [clinician, patient])
      for (const at of ["/api/records/possible-duplicates", path])
        assert.equal((await world.askAs(person, "GET", at)).status, 403);
  });
});
