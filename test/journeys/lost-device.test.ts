import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { DeviceReport } from "#breach/device-report.ts";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { deviceOf } from "../support/passkey.ts";
import { rawClient, type RawClient } from "../support/raw-client.ts";
import { loggedEntries } from "../support/tamper.ts";

/** In base64 a third more: together more than what lies between records and a client that does not read. */
const documents = 24;
const documentBytes = 1024 * 1024;

suite("a device that is lost", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let raw: RawClient;
  let ana: SignedIn;
  let anaId: string;
  let folder: string;
  const visitors: Visitor[] = [];

  const visit = (): Visitor => {
    const visitor = openVisitor(phylax.origin, phylax.authority());
    visitors.push(visitor);
    return visitor;
  };

  before(async () => {
    phylax = await startDeployment();
    raw = rawClient(phylax.origin, phylax.authority());
    folder = mkdtempSync(join(tmpdir(), "phylax-lost-"));
    const clinician = printedSignIn(phylax.output(), "clinician");
    const doctor = await signIn(visit(), clinician, "openid fhirUser user/*.cruds");
    ana = await signIn(visit(), printedSignIn(phylax.output(), "patient"));
    const me = await ana.ask("GET", "/api/identity/me");
    anaId = (JSON.parse(me.text) as { patients: string[] }).patients[0] ?? "";
    for (let n = 0; n < documents; n += 1) {
      const data = randomBytes(documentBytes).toString("base64");
      const body = JSON.stringify({
        resourceType: "DocumentReference",
        status: "current",
        subject: { reference: `Patient/${anaId}` },
        content: [{ attachment: { contentType: "application/pdf", data } }],
      });
      const headers = { "content-type": "application/fhir+json" };
      const made = await raw.ask(doctor, "POST", "/fhir/DocumentReference", { headers, body });
      assert.equal(made.status, 201, made.body.subarray(0, 500).toString());
    }
  });
  after(async () => {
    raw.close();
    rmSync(folder, { recursive: true });
    await Promise.all(visitors.map((visitor) => visitor.close()));
    await phylax.remove();
  });

  test("is cut off in the middle of an answer, refused from then on, and reported", async () => {
    const path = `/fhir/Patient/${anaId}/$everything`;
    const answer = await raw.begin(ana, "GET", path);
    assert.equal(answer.statusCode, 200);
    let received = 0;
    const broken = once(answer, "error");
    const [piece] = (await once(answer, "data")) as [Buffer];
    received += piece.length;
    answer.pause();

    const device = deviceOf(ana);
    const lost = await phylax.run("device", "lost", device, "--out", folder);
    assert.equal(lost.code, 0, lost.out + lost.err);
    assert.match(lost.out, /is shut out since .*; 1 sessions ended now/);

    answer.on("data", (more: Buffer) => {
      received += more.length;
    });
    answer.resume();
    await broken;
    assert.ok(received < documents * documentBytes, `${received} bytes had left`);
    assert.equal((await ana.ask("GET", "/api/identity/me")).status, 401);
    // The records process hears of it within a quarter of a second, and within a second or not at all.
    while ((await ana.ask("GET", `/fhir/Patient/${anaId}`)).status !== 401) await pause(20);

    const name = join(folder, `device-${device}`);
    const report = JSON.parse(readFileSync(`${name}.json`, "utf8")) as DeviceReport;
    assert.deepEqual(
      report.patients.map(({ id }) => id),
      [anaId],
    );
    assert.ok(report.lostAt !== null);
    const shown = report.patients[0]?.shown.find(({ action }) => action === "export");
    assert.ok((shown?.resources ?? 0) > 0 && shown?.categories.includes("DocumentReference"));
    assert.match(readFileSync(`${name}.html`, "utf8"), new RegExp(`Patient/${anaId}`));
    const raised = (await loggedEntries(phylax.home, "administer")).filter(({ reasons }) =>
      reasons.includes("device-lost"),
    );
    assert.equal(raised.length, 1);
  });

  test("is listed as lost, and its report verifies until a byte of it changes", async () => {
    const device = deviceOf(ana);
    const listed = await phylax.run("device", "list", "--lost", "--json");
    const { items } = JSON.parse(listed.out) as { items: readonly { id: string }[] };
    assert.deepEqual(
      items.map(({ id }) => id),
      [device],
    );
    const note = join(folder, `device-${device}.note`);
    const good = await phylax.run("device", "verify-report", note);
    assert.equal(good.code, 0, good.err);
    const json = join(folder, `device-${device}.json`);
    writeFileSync(json, readFileSync(json, "utf8").replace(anaId, "somebody-else"));
    const changed = await phylax.run("device", "verify-report", note);
    assert.equal(changed.code, 1);
    assert.match(changed.err, /Not as signed/);
  });
});
