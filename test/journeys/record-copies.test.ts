import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inflateSync } from "node:zlib";
import { create } from "tar";
import { demoTown } from "#assembly/demo.ts";
import type { CopyMade } from "#core/wire.ts";
import { createTown } from "#town/town.ts";
import { openVisitor, renew, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { rawClient, type RawAnswer, type RawClient } from "../support/raw-client.ts";
import { loggedEntries, type LoggedEntry } from "../support/tamper.ts";

interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly [name: string]: unknown;
}

interface Bundle extends Resource {
  readonly type: string;
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly resource: Resource;
    readonly search?: { readonly mode: string };
  }[];
}

const megabyte = 1024 * 1024;
const fhirJson = { "content-type": "application/fhir+json" };
const nameOf = ({ resourceType, id }: Resource): string => `${resourceType}/${id}`;
const sorted = (names: Iterable<string>): readonly string[] => [...names].sort();

function parsed(answer: RawAnswer, status = 200): Resource {
  assert.equal(answer.status, status, answer.body.subarray(0, 800).toString());
  return JSON.parse(answer.body.toString()) as Resource;
}

const bundleIn = (answer: RawAnswer): Bundle => parsed(answer) as Bundle;

const namesIn = (bundle: Bundle, mode?: string): readonly string[] =>
  (bundle.entry ?? [])
    .filter(({ search }) => mode === undefined || search?.mode === mode)
    .map(({ resource }) => nameOf(resource));

const observation = (patient: string, more: object = {}): object => ({
  resourceType: "Observation",
  status: "final",
  code: { text: "Steps walked" },
  subject: { reference: `Patient/${patient}` },
  ...more,
});

suite("a patient's whole record, over real TLS", { timeout: 600_000 }, () => {
  let phylax: TestDeployment;
  const visitors: Visitor[] = [];
  let raw: RawClient;
  let doctor: SignedIn;
  let ana: SignedIn;
  let anaId: string;
  let otherId: string;
  /** What the town gave her, by name. */
  let hers: readonly string[];

  const visit = (): Visitor => {
    const visitor = openVisitor(phylax.origin, phylax.authority());
    visitors.push(visitor);
    return visitor;
  };

  before(async () => {
    phylax = await startDeployment();
    raw = rawClient(phylax.origin, phylax.authority());
    const clinician = printedSignIn(phylax.output(), "clinician");
    doctor = await signIn(visit(), clinician, "openid fhirUser user/*.cruds");
    ana = await signIn(visit(), printedSignIn(phylax.output(), "patient"));
    const me = await ana.ask("GET", "/api/identity/me");
    anaId = (JSON.parse(me.text) as { patients: string[] }).patients[0] ?? "";
    const charts = [...createTown(demoTown).patients()].map((chart) => [...chart] as Resource[]);
    const chartOf = (id: string): readonly Resource[] =>
      charts.find(([patient]) => patient?.id === id) ?? assert.fail("she lives in the town");
    hers = chartOf(anaId).map(nameOf);
    otherId = charts.find(([patient]) => patient?.id !== anaId)?.[0]?.id ?? "";
  });
  after(async () => {
    raw.close();
    await Promise.all(visitors.map((visitor) => visitor.close()));
    await phylax.remove();
  });

  const give = async (resource: object): Promise<Resource> => {
    const { resourceType } = resource as Resource;
    const body = JSON.stringify(resource);
    const path = `/fhir/${resourceType}`;
    return parsed(await raw.ask(doctor, "POST", path, { headers: fhirJson, body }), 201);
  };

  const entriesOf = async (requestId: unknown, action = "export"): Promise<LoggedEntry[]> => {
    assert.equal(typeof requestId, "string");
    const entries = await loggedEntries(phylax.home, action);
    return entries.filter((entry) => entry.requestId === requestId);
  };
  /** Resources that the log says left with one answer. */
  const countOf = async (answer: Pick<RawAnswer, "headers">): Promise<number> =>
    (await entriesOf(answer.headers["request-id"])).reduce((sum, { count }) => sum + count, 0);

  suite("Patient/$everything", () => {
    const everything = (query = ""): Promise<RawAnswer> =>
      raw.ask(ana, "GET", `/fhir/Patient/${anaId}/$everything${query}`);

    test("gives all that is hers, nothing of another, and the log has every piece", async () => {
      const answer = await everything();
      const bundle = bundleIn(answer);
      assert.equal(bundle.type, "searchset");
      assert.deepEqual(sorted(namesIn(bundle, "match")), sorted(hers));
      const brought = namesIn(bundle, "include");
      assert.ok(brought.length > 0, "what her record names comes along");
      const ofPlaces = /^(Organization|Practitioner|PractitionerRole|Location|Medication)\//;
      for (const name of brought) assert.match(name, ofPlaces);
      assert.equal(await countOf(answer), hers.length + brought.length);
      const entries = await entriesOf(answer.headers["request-id"]);
      assert.ok(entries.every(({ decision }) => decision === "permit"));
    });

    test("keeps to the types that are asked for", async () => {
      const bundle = bundleIn(await everything("?_type=Observation,Condition"));
      const wanted = hers.filter((name) => /^(Observation|Condition)\//.test(name));
      assert.deepEqual(sorted(namesIn(bundle)), sorted(wanted));
    });

    test("tells what was written since", async () => {
      const made = await give(observation(anaId));
      const { lastUpdated } = made["meta"] as { lastUpdated: string };
      const since = await everything(`?_since=${encodeURIComponent(lastUpdated)}`);
      assert.deepEqual(namesIn(bundleIn(since)), [nameOf(made)]);
      hers = [...hers, nameOf(made)];
    });

    test("comes in pages whose links lead to its end, each resource once", async () => {
      const names: string[] = [];
      let next: string | undefined = `/fhir/Patient/${anaId}/$everything?_count=50`;
      let pages = 0;
      while (next !== undefined) {
        const answer: RawAnswer = await raw.ask(ana, "GET", next);
        const bundle: Bundle = bundleIn(answer);
        const page = namesIn(bundle, "match");
        assert.ok(page.length <= 50, `${page.length} on a page`);
        assert.equal(await countOf(answer), namesIn(bundle).length);
        names.push(...page);
        pages += 1;
        const url = bundle.link?.find(({ relation }) => relation === "next")?.url;
        next = url?.slice(phylax.origin.length);
      }
      assert.deepEqual(sorted(names), sorted(hers));
      assert.equal(pages, Math.ceil(hers.length / 50));
    });

    test("is refused for another's record, and the log has the refusal", async () => {
      const answer = await raw.ask(ana, "GET", `/fhir/Patient/${otherId}/$everything`);
      assert.equal(parsed(answer, 404).resourceType, "OperationOutcome");
      const [entry] = await entriesOf(answer.headers["request-id"]);
      assert.equal(entry?.decision, "deny");
    });
  });

  suite("copies to keep", () => {
    const copies = "/api/records/exports";
    const json = { "content-type": "application/json" };
    const make = async (form: string): Promise<CopyMade> => {
      const body = JSON.stringify({ patient: anaId, form });
      const made = await raw.ask(ana, "POST", copies, { headers: json, body });
      assert.equal(made.status, 201, made.body.toString());
      return JSON.parse(made.body.toString()) as CopyMade;
    };
    const fetchWhole = async (copy: CopyMade): Promise<Buffer> => {
      const answer = await raw.ask(ana, "GET", `${copies}/${copy.id}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.length, copy.bytes);
      assert.match(String(answer.headers["content-disposition"]), /^attachment; filename="health-/);
      assert.equal(await countOf(answer), copy.resources);
      return answer.body;
    };

    before(async () => {
      const div =
        '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script><b onclick="go()">She sleeps well.</b></div>';
      const made = await give(observation(anaId, { text: { status: "additional", div } }));
      hers = [...hers, nameOf(made)];
    });

    test("a FHIR copy and its lines hold the same resources, hers all among them", async () => {
      const bundle = JSON.parse((await fetchWhole(await make("fhir"))).toString()) as Bundle;
      assert.equal(bundle.type, "collection");
      const lines = (await fetchWhole(await make("ndjson"))).toString().trimEnd().split("\n");
      const inLines = lines.map((line) => nameOf(JSON.parse(line) as Resource));
      assert.deepEqual(inLines, namesIn(bundle));
      const held = new Set(inLines);
      assert.deepEqual(
        hers.filter((name) => !held.has(name)),
        [],
      );
      assert.equal(held.size, inLines.length);
    });

    test("a web page says it in words and holds nothing that runs", async () => {
      const page = (await fetchWhole(await make("web-page"))).toString();
      assert.match(page, /^<!doctype html>/i);
      assert.match(page, /She sleeps well\./);
      assert.doesNotMatch(page, /<script|javascript:|\son[a-z]+\s*=|alert\(1\)/i);
    });

    test("a PDF has pages with text on them", async () => {
      const pdf = await fetchWhole(await make("pdf"));
      const text = pdf.toString("latin1");
      assert.match(text, /^%PDF-1\.\d/);
      assert.match(text, /%%EOF\s*$/);
      const streams = [...text.matchAll(/\/FlateDecode[^>]*>>\s*stream\r?\n/g)].map((found) => {
        const from = found.index + found[0].length;
        const to = text.indexOf("endstream", from);
        return inflateSync(pdf.subarray(from, to)).toString("latin1");
      });
      const written = streams.filter((stream) => /BT[\s\S]+(Tj|TJ)[\s\S]+ET/.test(stream));
      assert.ok(written.length > 0, "some page has text");
      assert.match(text, /\/Type \/Page\b/);
      assert.ok(
        streams.some((stream) => stream.includes("beginbfrange") || stream.includes("beginbfchar")),
        "it can be searched and read aloud",
      );
    });

    test("cut off, a fetch goes on where it was, and the log has both", async () => {
      const copy = await make("fhir");
      const whole = await fetchWhole(copy);
      const path = `${copies}/${copy.id}`;
      const begun = await raw.begin(ana, "GET", path);
      const [first] = (await once(begun, "data")) as [Buffer];
      begun.destroy();
      const from = Math.min(first.length, whole.length - 1);
      const headers = { range: `bytes=${from}-` };
      const rest = await raw.ask(ana, "GET", path, { headers });
      assert.equal(rest.status, 206);
      assert.equal(rest.headers["content-range"], `bytes ${from}-${copy.bytes - 1}/${copy.bytes}`);
      assert.ok(Buffer.concat([first.subarray(0, from), rest.body]).equals(whole));
      assert.ok((await entriesOf(begun.headers["request-id"])).length > 0);
      assert.ok((await entriesOf(rest.headers["request-id"])).length > 0);
    });

    test("nobody else fetches it, nor makes one of a record that is not theirs", async () => {
      const copy = await make("ndjson");
      const byDoctor = await raw.ask(doctor, "GET", `${copies}/${copy.id}`);
      assert.equal(byDoctor.status, 404);
      const [entry] = await entriesOf(byDoctor.headers["request-id"]);
      assert.equal(entry?.decision, "deny");
      const body = JSON.stringify({ patient: otherId, form: "fhir" });
      const ofAnother = await raw.ask(ana, "POST", copies, { headers: json, body });
      assert.equal(ofAnother.status, 404, ofAnother.body.toString());
    });
  });

  suite("a Binary as it is", () => {
    const send = (content: Buffer): Promise<RawAnswer> =>
      raw.ask(doctor, "POST", "/fhir/Binary", {
        headers: {
          "content-type": "application/pdf",
          "x-security-context": `Patient/${anaId}`,
        },
        body: content,
      });

    test("of 5 MB goes in and comes out byte by byte", async () => {
      const content = randomBytes(5 * megabyte);
      const made = parsed(await send(content), 201);
      const got = await raw.ask(ana, "GET", `/fhir/Binary/${made.id}`);
      assert.equal(got.status, 200);
      assert.equal(got.headers["content-type"], "application/pdf");
      assert.ok(got.body.equals(content));
    });

    test("of one byte more is refused by an outcome", async () => {
      const refused = parsed(await send(Buffer.alloc(5 * megabyte + 1)), 413);
      assert.equal(refused.resourceType, "OperationOutcome");
    });
  });

  suite("clients that go away", () => {
    const documents = 14;
    let left: Pick<RawAnswer, "headers">;
    let whole: RawAnswer;
    const sentOnce: string[] = [];

    test("in the middle of an answer, what left is in the log and the walk ends", async () => {
      const data = Buffer.alloc(5 * megabyte).toString("base64");
      for (let n = 0; n < documents; n += 1)
        await give({
          resourceType: "DocumentReference",
          status: "current",
          subject: { reference: `Patient/${anaId}` },
          content: [{ attachment: { contentType: "application/pdf", data } }],
        });
      const path = `/fhir/Patient/${anaId}/$everything?_type=DocumentReference`;
      const begun = await raw.begin(ana, "GET", path);
      const [first] = (await once(begun, "data")) as [Buffer];
      begun.destroy();
      assert.match(first.toString(), /^\{"resourceType":"Bundle"/);
      left = { headers: begun.headers };
      whole = await raw.ask(ana, "GET", path);
      assert.ok(namesIn(bundleIn(whole)).length >= documents);
      assert.ok((await countOf(left)) > 0);
      // The buffers between here and there hold less than all of it: the walk stopped on its way.
      assert.ok((await countOf(left)) < (await countOf(whole)));
    });

    const transaction = (value: string): string =>
      JSON.stringify({
        resourceType: "Bundle",
        type: "transaction",
        entry: [1, 2, 3].map((n) => ({
          resource: observation(anaId, {
            identifier: [{ system: "https://example.org/steps", value }],
            valueInteger: n,
          }),
          request: { method: "POST", url: "Observation" },
        })),
      });
    const stored = async (value: string): Promise<number> => {
      const query = `patient=${anaId}&identifier=https://example.org/steps%7C${value}`;
      const found = await raw.ask(doctor, "GET", `/fhir/Observation?${query}`);
      return namesIn(bundleIn(found)).length;
    };
    const brokenOff = async (): Promise<number> => {
      const entries = await loggedEntries(phylax.home, "transaction");
      return entries.filter(({ decision }) => decision === "error").length;
    };

    for (const [what, part] of [
      ["half of it", 0.5],
      ["all but the white space behind it", 1],
    ] as const)
      test(`in the middle of a transaction, having sent ${what}: nothing is stored`, async () => {
        const value = randomUUID();
        sentOnce.push(value);
        const body = transaction(value);
        const known = await brokenOff();
        const sent = raw.open(doctor, "POST", "/fhir", {
          ...fhirJson,
          "content-length": String(body.length + 16),
        });
        sent.on("error", () => undefined);
        await new Promise((resolve) => sent.write(body.slice(0, body.length * part), resolve));
        sent.destroy();
        // The log tells that it broke off, unless it did before the records process had any of it.
        const deadline = Date.now() + 5_000;
        while ((await brokenOff()) === known && Date.now() < deadline) await pause(50);
        assert.equal(await stored(value), 0);
        const again = await raw.ask(doctor, "POST", "/fhir", { headers: fhirJson, body });
        assert.equal(bundleIn(again).entry?.length, 3);
        assert.equal(await stored(value), 3);
      });

    test("leave a server that answers others, and a log that verifies", async () => {
      const small = await raw.ask(ana, "GET", `/fhir/Patient/${anaId}/$everything?_type=Patient`);
      assert.deepEqual(namesIn(bundleIn(small)), [`Patient/${anaId}`]);
      for (const value of sentOnce) assert.equal(await stored(value), 3);
      assert.ok((await countOf(left)) < (await countOf(whole)));
      const verified = await phylax.run("audit", "verify", "--json");
      assert.equal(verified.code, 0, verified.out + verified.err);
    });
  });

  suite("phylax fhir install-package", () => {
    const profile = "https://example.org/fhir/StructureDefinition/dated-patient";
    let folder: string;
    let archive: string;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "phylax-package-"));
      mkdirSync(join(folder, "package"));
      const write = (name: string, value: object): void =>
        writeFileSync(join(folder, "package", name), JSON.stringify(value));
      write("package.json", { name: "example.dated", version: "1.2.0", fhirVersions: ["4.0.1"] });
      const birthDate = { id: "Patient.birthDate", path: "Patient.birthDate", min: 1 };
      write("StructureDefinition-dated-patient.json", {
        resourceType: "StructureDefinition",
        url: profile,
        name: "DatedPatient",
        status: "active",
        fhirVersion: "4.0.1",
        kind: "resource",
        abstract: false,
        type: "Patient",
        baseDefinition: "http://hl7.org/fhir/StructureDefinition/Patient",
        derivation: "constraint",
        differential: { element: [{ id: "Patient", path: "Patient" }, birthDate] },
      });
      write("SearchParameter-marital.json", {
        resourceType: "SearchParameter",
        url: "https://example.org/fhir/SearchParameter/marital",
        name: "Marital",
        status: "active",
        description: "Marital status",
        code: "marital",
        base: ["Patient"],
        type: "token",
        expression: "Patient.maritalStatus",
      });
      archive = join(folder, "example.dated.tgz");
      await create({ gzip: true, cwd: folder, file: archive }, ["package"]);
    });
    after(() => rmSync(folder, { recursive: true }));

    const put = (patient: object): Promise<RawAnswer> => {
      const body = JSON.stringify(patient);
      return raw.ask(doctor, "PUT", `/fhir/Patient/${anaId}`, { headers: fhirJson, body });
    };
    const claiming = async (): Promise<Record<string, unknown>> => {
      const read = parsed(await raw.ask(doctor, "GET", `/fhir/Patient/${anaId}`));
      return { ...read, meta: { profile: [profile] } };
    };

    async function isInForce(): Promise<void> {
      const dated = await claiming();
      const { birthDate: _, ...undated } = dated;
      const refused = await put(undated);
      assert.match(JSON.stringify(parsed(refused, 422)), /Patient\.birthDate/);
      const asked = { headers: fhirJson, body: JSON.stringify(undated) };
      const verdict = parsed(await raw.ask(doctor, "POST", "/fhir/Patient/$validate", asked));
      assert.match(JSON.stringify(verdict), /"severity":"error".*Patient\.birthDate/);
      const married = {
        coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", code: "T" }],
      };
      parsed(await put({ ...dated, maritalStatus: married }));
      const found = await raw.ask(doctor, "GET", "/fhir/Patient?marital=T");
      assert.deepEqual(namesIn(bundleIn(found)), [`Patient/${anaId}`]);
    }

    test("knows nothing of it before", async () => {
      parsed(await raw.ask(doctor, "GET", "/fhir/Patient?marital=T"), 400);
      const { birthDate: _, ...undated } = await claiming();
      const asked = { headers: fhirJson, body: JSON.stringify(undated) };
      const verdict = parsed(await raw.ask(doctor, "POST", "/fhir/Patient/$validate", asked));
      assert.doesNotMatch(JSON.stringify(verdict), /"severity":"error"/);
    });

    test("installs it in words and as JSON, and once", async () => {
      const first = await phylax.run("fhir", "install-package", archive);
      assert.equal(first.code, 0, first.err);
      assert.match(first.out, /example\.dated 1\.2\.0 is installed: 1 StructureDef.*1 SearchParam/);
      const second = await phylax.run("fhir", "install-package", archive, "--json");
      assert.equal(second.code, 0, second.err);
      const { name, version, changed } = JSON.parse(second.out) as Record<string, unknown>;
      assert.deepEqual([name, version, changed], ["example.dated", "1.2.0", false]);
      const entries = await loggedEntries(phylax.home, "package-install");
      assert.deepEqual(
        entries.map(({ reasons }) => reasons),
        [["example.dated#1.2.0"]],
      );
    });

    test("holds resources to it, names the element, and answers by its parameter", isInForce);

    test("says what is wrong with a file that is no package, and how it is called", async () => {
      const wrong = join(folder, "wrong.tgz");
      writeFileSync(wrong, "no package at all");
      const refused = await phylax.run("fhir", "install-package", wrong);
      assert.equal(refused.code, 77);
      assert.match(refused.err, /not a gzipped archive/);
      const missing = await phylax.run("fhir", "install-package", join(folder, "none.tgz"));
      assert.equal(missing.code, 64);
      assert.match(missing.err, /none\.tgz/);
      const help = await phylax.run("fhir", "install-package", "--help");
      assert.equal(help.code, 0);
      assert.match(help.out, /--json[\s\S]*Exit codes:/);
    });

    test("all of it holds after a restart", async () => {
      assert.equal(await phylax.stop(), 0);
      const stopped = await phylax.run("fhir", "install-package", archive);
      assert.equal(stopped.code, 69, stopped.out + stopped.err);
      await phylax.startAgain();
      doctor = await renew(visit(), doctor);
      await isInForce();
    });
  });
});
