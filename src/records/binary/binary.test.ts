import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Binary } from "@medplum/fhirtypes";
import { binaryLimits } from "#records/binary/raw-content.ts";
import { testFacts, testWorld, type Got, type TestPerson } from "#records/testing.ts";

const idIn = (got: Got): string => {
  assert.equal(got.status, 201, got.text.slice(0, 500));
  return (JSON.parse(got.text) as Binary).id ?? "";
};

test("Binary", async (t) => {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "bea" },
    ...["ana", "berta"].map((id) => ({ resourceType: "Patient", id })),
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/bea" } }],
    },
    {
      resourceType: "DocumentReference",
      id: "letter",
      status: "current",
      subject: { reference: "Patient/ana" },
      content: [{ attachment: { contentType: "text/plain" } }],
    },
  ]);
  const bea = await world.person({ roles: ["clinician"], practitioner: "bea" });
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const berta = await world.person({ roles: ["patient"], patients: ["berta"] });
  const send = (content: Buffer, headers: Record<string, string>): Promise<Got> =>
    world.askAs(bea, "POST", "/fhir/Binary", { headers, body: content });

  /** The bytes of an answer, which a text would not keep. */
  async function bytesOf(
    person: TestPerson,
    path: string,
  ): Promise<{ readonly status: number; readonly type: unknown; readonly body: Buffer }> {
    const token = person.token();
    const answer = await world.gateway.request({
      method: "GET",
      path,
      headers: {
        "x-test-peer": "gateway",
        ...testFacts(),
        authorization: `DPoP ${token}`,
        dpop: person.proof({ method: "GET", path, token }),
      },
    });
    const body = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, type: answer.headers["content-type"], body };
  }

  await t.test("of 5 MB comes back byte by byte, or as a resource if asked for", async () => {
    const content = randomBytes(binaryLimits.contentBytes);
    const sent = await send(content, {
      "content-type": "application/pdf",
      "x-security-context": "DocumentReference/letter",
    });
    const path = `/fhir/Binary/${idIn(sent)}`;
    const raw = await bytesOf(ana, path);
    assert.equal(raw.status, 200);
    assert.equal(raw.type, "application/pdf");
    assert.ok(raw.body.equals(content));
    const headers = { accept: "application/fhir+json" };
    const resource = JSON.parse((await world.askAs(ana, "GET", path, { headers })).text) as Binary;
    assert.equal(resource.contentType, "application/pdf");
    assert.ok(resource.data === content.toString("base64"));
    assert.equal(resource.securityContext?.reference, "DocumentReference/letter");
  });

  await t.test("is of the record of what its security context names, and no other", async () => {
    const sent = await send(Buffer.from("hers"), {
      "content-type": "text/plain",
      "x-security-context": "DocumentReference/letter",
    });
    const path = `/fhir/Binary/${idIn(sent)}`;
    assert.equal((await bytesOf(ana, path)).status, 200);
    assert.equal((await bytesOf(berta, path)).status, 404);
    const [entry] = (await world.entries()).filter(
      ({ resourceType, action }) => resourceType === "Binary" && action === "create",
    );
    assert.ok(entry !== undefined && entry.patient !== null);
    const refused = async (context: string | null, code: number): Promise<void> => {
      const named: Record<string, string> =
        context === null ? {} : { "x-security-context": context };
      const { status } = await send(Buffer.from("x"), { "content-type": "text/plain", ...named });
      assert.equal(status, code, String(context));
    };
    await refused(null, 422);
    await refused("DocumentReference/none", 422);
    await refused("https://elsewhere.example/Patient/ana", 422);
    await refused("Patient/berta", 403);
  });

  await t.test("is refused beyond 5 MB, and of a media type that is none", async () => {
    const context = { "x-security-context": "Patient/ana" };
    const large = Buffer.alloc(binaryLimits.contentBytes + 1);
    assert.equal((await send(large, { "content-type": "image/png", ...context })).status, 413);
    const typeless = await send(Buffer.from("x"), { "content-type": "nonsense", ...context });
    assert.equal(typeless.status, 415);
  });

  await t.test("is replaced by bare content, and given in kinds that are taken", async () => {
    const path = "/fhir/Binary/picture";
    const put = (body: string): Promise<Got> =>
      world.askAs(bea, "PUT", path, {
        headers: { "content-type": "image/svg+xml", "x-security-context": "Patient/ana" },
        body: Buffer.from(body),
      });
    assert.equal((await put("<svg/>")).status, 201);
    assert.equal((await put("<svg><script/></svg>")).status, 200);
    const any = await world.askAs(ana, "GET", path, { headers: { accept: "image/*" } });
    assert.equal(any.text, "<svg><script/></svg>");
    assert.equal(any.headers["content-disposition"], "attachment");
    assert.equal(any.headers["etag"], 'W/"2"');
    const other = await world.askAs(ana, "GET", path, { headers: { accept: "application/pdf" } });
    assert.equal(other.status, 406);
    const asJson = await world.askAs(ana, "GET", `${path}?_format=json`);
    assert.equal((JSON.parse(asJson.text) as Binary).resourceType, "Binary");
  });

  await t.test("of no bytes is one without data", async () => {
    const sent = await send(Buffer.alloc(0), {
      "content-type": "text/plain",
      "x-security-context": "Patient/ana",
    });
    const raw = await bytesOf(ana, `/fhir/Binary/${idIn(sent)}`);
    assert.equal(raw.status, 200);
    assert.equal(raw.body.length, 0);
  });

  await t.test("inline in a DocumentReference goes up to 5 MB as well", async () => {
    const data = randomBytes(binaryLimits.contentBytes).toString("base64");
    const body = JSON.stringify({
      resourceType: "DocumentReference",
      status: "current",
      subject: { reference: "Patient/ana" },
      content: [{ attachment: { contentType: "application/pdf", data } }],
    });
    const made = await world.askAs(bea, "POST", "/fhir/DocumentReference", { body });
    const read = await world.askAs(ana, "GET", `/fhir/DocumentReference/${idIn(made)}`);
    assert.ok(read.text.includes(data));
  });

  await t.test("and a Provenance of a stored resource go to that resource's record", async () => {
    const body = JSON.stringify({
      resourceType: "Provenance",
      target: [{ reference: "DocumentReference/letter" }],
      recorded: "2026-01-01T00:00:00Z",
      agent: [{ who: { reference: "Patient/ana" } }],
    });
    const made = await world.askAs(bea, "POST", "/fhir/Provenance", { body });
    assert.equal((await world.askAs(ana, "GET", `/fhir/Provenance/${idIn(made)}`)).status, 200);
    const mixed = body.replace("Patient/ana", "Patient/berta");
    assert.equal((await world.askAs(bea, "POST", "/fhir/Provenance", { body: mixed })).status, 422);
  });
});
