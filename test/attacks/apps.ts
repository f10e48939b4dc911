import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
  askForToken,
  authorizePath,
  codeGrant,
  makeProofKey,
  makeVerifier,
  openVisitor,
  type Answer,
  type ProofKey,
  type Visitor,
} from "../support/client.ts";
import type { TestDeployment } from "../support/deployment.ts";
import { comeBack, jsonOf, postJson, problemOf, type Attacked, type Personas } from "./attacked.ts";

const scopes = ["openid", "launch/patient", "online_access", "patient/Patient.r"];

interface LetIn {
  readonly client: string;
  readonly key: ProofKey;
  readonly patient: string;
  readonly access: string;
  readonly refresh: string;
}

export const attacksByApps = (attacked: () => Attacked): void =>
  void suite("attacks by an app that a person let in", () => {
    let phylax: TestDeployment;
    let personas: Personas;
    let visitor: Visitor;
    let app: LetIn;

    /** Goes as the app asks to the page where the person signs in, and on to the one where she decides. */
    const toConsent = async (client: string, verifier: string, back: string): Promise<string> => {
      const asked = { client_id: client, scope: scopes.join(" "), redirect_uri: back };
      const path = authorizePath(phylax.origin, verifier, asked);
      const page = await visitor.ask("GET", path);
      const signIn = new URL(String(page.headers["location"]), phylax.origin).pathname;
      const signedIn = await personas.answerPage(visitor, "patient", signIn);
      const { redirectTo } = jsonOf(signedIn);
      const next = await visitor.ask("GET", String(redirectTo));
      return new URL(String(next.headers["location"]), phylax.origin).pathname;
    };
    const letIn = async (): Promise<LetIn> => {
      const back = "https://app.example/back";
      const kind = ["--kind", "public", "--redirect-uri", back, "--json"];
      const made = await phylax.run("apps", "register", "Taker", ...kind, "--scope", ...scopes);
      const { id: client } = JSON.parse(made.out) as { readonly id: string };
      const verifier = makeVerifier();
      const consent = await toConsent(client, verifier, back);
      const offer = jsonOf(await visitor.ask("GET", `${consent}/offer`));
      const { patients } = offer["patient"] as { readonly patients: readonly { id: string }[] };
      const patient = patients[0]?.id ?? "";
      const allow = { allow: true, scopes, patient };
      const answered = await postJson(visitor, `${consent}/answer`, allow);
      const code = (await comeBack(visitor, answered)).get("code") ?? "";
      const key = makeProofKey();
      const grant = { ...codeGrant(phylax.origin, code, verifier), redirect_uri: back };
      const tokens = jsonOf(await askForToken(visitor, key, { ...grant, client_id: client }));
      const { access_token: access, refresh_token: refresh } = tokens;
      return { client, key, patient, access: String(access), refresh: String(refresh) };
    };
    const ask = (method: "GET" | "POST", path: string, token = app.access): Promise<Answer> =>
      visitor.ask(method, path, {
        headers: {
          authorization: `DPoP ${token}`,
          dpop: app.key.proof(method, `${phylax.origin}${path}`, token),
        },
      });
    const refreshWith = (token: string, more: Readonly<Record<string, string>> = {}) =>
      askForToken(visitor, app.key, {
        grant_type: "refresh_token",
        client_id: app.client,
        refresh_token: token,
        ...more,
      });

    before(async () => {
      ({ phylax, personas } = attacked());
      visitor = openVisitor(phylax.origin, phylax.authority());
      app = await letIn();
    });
    after(() => visitor?.close());

    test("what it was let see opens neither the person's account nor administration", async () => {
      assert.equal((await ask("GET", `/fhir/Patient/${app.patient}`)).status, 200);
      for (const [method, tail] of [
        ["GET", "me"],
        ["POST", "sign-out"],
        ["GET", "account/passkeys"],
        ["POST", "account/recovery-codes"],
        ["GET", "account/apps"],
        ["GET", "account/offline-leases"],
        ["POST", "account/offline-leases/5f1c2a34-5a0e-4d1a-9d5e-2f6b8f0f7a11"],
        ["GET", "admin/apps"],
        ["POST", "admin/people/search"],
      ] as const)
        assert.equal(problemOf(await ask(method, `/api/identity/${tail}`)), "forbidden", tail);
      assert.equal(
        (await ask("GET", `/fhir/Patient/${app.patient}`)).status,
        200,
        "it still serves",
      );
    });

    test("a refresh widens nothing: neither asked for, nor by keeping silent", async () => {
      for (const scope of ["patient/*.cruds", "user/*.rs", "system/*.rs", "offline_access"]) {
        const refused = await refreshWith(app.refresh, { scope });
        assert.match(refused.text, /"error":"invalid_scope"/, scope);
      }
      const answer = jsonOf(await refreshWith(app.refresh));
      assert.deepEqual(String(answer["scope"]).split(" ").toSorted(), scopes.toSorted());
      const token = String(answer["access_token"]);
      assert.equal((await ask("GET", `/fhir/Patient/${app.patient}`, token)).status, 200);
      const beyond = `/fhir/Observation?patient=${app.patient}`;
      assert.equal((await ask("GET", beyond, token)).status, 403);
    });
  });
