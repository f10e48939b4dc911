import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  makeProofKey,
  openVisitor,
  type Answer,
  type ProofKey,
  type SignedIn,
  type Visitor,
} from "../support/client.ts";
import type { TestDeployment } from "../support/deployment.ts";
import { jsonOf, problemOf, type Attacked } from "./attacked.ts";

const forms = "/fhir/QuestionnaireResponse";

export const attacksOnKiosks = (attacked: () => Attacked): void =>
  void suite("attacks on a kiosk", () => {
    let phylax: TestDeployment;
    let visitor: Visitor;
    let patient: SignedIn;
    let tablet: ProofKey;
    let ofPatient: string;
    let visit: string;

    type Method = "GET" | "POST" | "PUT" | "DELETE";
    const askWith = (
      key: ProofKey,
      token: string,
      [method, path]: readonly [Method, string],
      { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {},
    ): Promise<Answer> =>
      visitor.ask(method, path, {
        headers: {
          authorization: `DPoP ${token}`,
          dpop: key.proof(method, `${phylax.origin}${path}`, token),
          ...(body === undefined ? {} : { "content-type": "application/fhir+json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      });
    const call = (who: SignedIn, path: string, body: object): Promise<Answer> => {
      const headers = { "content-type": "application/json" };
      const text = JSON.stringify(body);
      return askWith(who.key, who.token, ["POST", path], { body: text, headers });
    };
    const take = (key: ProofKey, step: string, code: string): Promise<Answer> =>
      askWith(key, code, ["POST", `/api/identity/kiosk/${step}`]);
    const newCode = async (): Promise<string> => {
      const wish = { patient: ofPatient, visit };
      return String(jsonOf(await call(patient, "/api/identity/kiosk-tickets", wish))["code"]);
    };
    const begin = async (): Promise<string> =>
      String(jsonOf(await take(tablet, "begin", await newCode()))["accessToken"]);
    const form = (changed: object = {}): string =>
      JSON.stringify({
        resourceType: "QuestionnaireResponse",
        status: "completed",
        subject: { reference: `Patient/${ofPatient}` },
        encounter: { reference: `Encounter/${visit}` },
        item: [{ linkId: "reason", answer: [{ valueString: "a cough" }] }],
        ...changed,
      });

    before(async () => {
      const { phylax: started, personas } = attacked();
      phylax = started;
      visitor = openVisitor(phylax.origin, phylax.authority());
      patient = await personas.signIn(visitor, "patient");
      const { patients } = jsonOf(await patient.ask("GET", "/api/identity/me"));
      ofPatient = String((patients as readonly string[])[0]);
      const visits = jsonOf(
        await patient.ask("GET", `/fhir/Encounter?patient=${ofPatient}&_count=1`),
      );
      const [first] = visits["entry"] as readonly { readonly resource: { readonly id: string } }[];
      visit = first?.resource.id ?? "";
      const atDesk = openVisitor(phylax.origin, phylax.authority());
      const administrator = await personas.signIn(atDesk, "administrator");
      const made = await call(administrator, "/api/identity/admin/kiosks", { location: "desk" });
      await atDesk.close();
      tablet = makeProofKey();
      jsonOf(await take(tablet, "set-up", String(jsonOf(made)["code"])));
    });
    after(() => visitor?.close());

    test("it hands in the form of its visit, and nothing comes back", async () => {
      const token = await begin();
      const asked = { body: form(), headers: { prefer: "return=representation" } };
      const made = await askWith(tablet, token, ["POST", forms], asked);
      assert.equal(made.status, 201, made.text);
      assert.equal(made.text, "");
      // The patient has it in her record.
      const path = String(made.headers["location"]).slice(phylax.origin.length);
      assert.equal((await patient.ask("GET", path)).status, 200);
      for (const at of [path, forms, `${forms}?_include=*`, `/fhir/Patient/${ofPatient}`])
        assert.equal((await askWith(tablet, token, ["GET", at])).status, 403, at);
      const everything = `/fhir/Patient/${ofPatient}/$everything`;
      assert.equal((await askWith(tablet, token, ["GET", everything])).status, 403);
    });

    test("neither a condition nor a batch tells it what is there", async () => {
      const token = await begin();
      const headers = { "if-none-exist": "status=completed" };
      const asked = { body: form(), headers };
      assert.equal((await askWith(tablet, token, ["POST", forms], asked)).status, 403);
      const entry = [{ request: { method: "GET", url: `Patient/${ofPatient}` } }];
      const body = JSON.stringify({ resourceType: "Bundle", type: "batch", entry });
      assert.equal((await askWith(tablet, token, ["POST", "/fhir"], { body })).status, 403);
    });

    test("it writes for no other visit and no other patient", async () => {
      const token = await begin();
      for (const changed of [
        { encounter: { reference: "Encounter/another" } },
        { subject: { reference: "Patient/another" } },
      ]) {
        const asked = { body: form(changed) };
        assert.equal((await askWith(tablet, token, ["POST", forms], asked)).status, 403);
      }
    });

    test("its token, and a code, are worth nothing in another browser", async () => {
      const token = await begin();
      const copy = makeProofKey();
      assert.equal((await askWith(copy, token, ["POST", forms], { body: form() })).status, 401);
      assert.equal(problemOf(await take(copy, "begin", await newCode())), "forbidden");
    });

    test("the visit before is over when the next begins, and a code serves once", async () => {
      const before = await begin();
      const code = await newCode();
      jsonOf(await take(tablet, "begin", code));
      // The records process is told of the end within a quarter of a second; a write under way then is cut.
      const until = Date.now() + 5_000;
      const cut = /ECONNRESET|socket hang up/;
      const write = () =>
        askWith(tablet, before, ["POST", forms], { body: form() }).catch((error: Error) => {
          assert.match(error.message, cut);
          return "cut" as const;
        });
      let late = await write();
      while ((late === "cut" || late.status === 201) && Date.now() < until) late = await write();
      assert.ok(late !== "cut");
      assert.equal(late.status, 401, late.text);
      assert.equal(problemOf(await take(tablet, "begin", code)), "not-found");
    });
  });
