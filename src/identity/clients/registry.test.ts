import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { suite, test } from "node:test";
import { isRecord } from "#core/jws.ts";
import { readJson } from "#identity/testing-app.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const publicApp = {
  kind: "public",
  name: "Growth chart",
  redirectUris: ["https://app.example/back"],
  scopes: ["openid", "fhirUser", "patient/*.rs"],
} as const;

const jwk = (kid = "one") => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  return { ...publicKey.export({ format: "jwk" }), kid };
};

const service = (jwks: unknown = { keys: [jwk()] }) => ({
  kind: "backend",
  name: "Night report",
  jwks,
  scopes: ["system/Observation.rs"],
});

const register = (identity: TestIdentity, body: unknown) =>
  identity.operate("/internal/apps", body);

async function madeId(response: Response): Promise<string> {
  const { id } = await readJson(response);
  assert.equal(response.status, 200);
  assert.ok(typeof id === "string");
  return id;
}

suite("the registry of clients", () => {
  test("keeps what an operator registered and tells it again", async (t) => {
    const identity = await testIdentity(t);
    const id = await madeId(await register(identity, publicApp));
    const { items } = await readJson(await identity.operate("/internal/apps/list", {}));
    const listed: unknown = Array.isArray(items) ? items[0] : null;
    assert.ok(isRecord(listed));
    assert.deepEqual(
      { ...listed, registeredAt: null, decidedAt: null },
      {
        ...publicApp,
        id,
        launchUri: null,
        jwksUri: null,
        ownNetwork: false,
        keyIds: [],
        binding: "dpop",
        status: "approved",
        owner: null,
        registeredBy: "operator",
        decidedBy: "operator",
        registeredAt: null,
        decidedAt: null,
      },
    );
    assert.equal(identity.log.entries.at(-1)?.action, "app-change");
  });

  test("refuses redirect addresses that could lead elsewhere", async (t) => {
    const identity = await testIdentity(t);
    for (const uri of [
      "http://app.example/back",
      "https://app.example/back#part",
      "https://user@app.example/back",
      "https://*.app.example/back",
      "https://app.example\\@evil.example/",
      "https://app.example/ back",
      "javascript:alert(1)",
      "data:text/html,x",
      "plain:/back",
      "/back",
      "",
    ]) {
      const refused = await register(identity, { ...publicApp, redirectUris: [uri] });
      assert.equal(refused.status, 400, uri);
      assert.equal((await readJson(refused))["at"], "redirectUris");
    }
    for (const uri of ["http://127.0.0.1/back", "http://localhost:7000/", "com.example.app:/back"])
      await madeId(await register(identity, { ...publicApp, redirectUris: [uri] }));
  });

  test("takes public signing keys of good strength and no others", async (t) => {
    const identity = await testIdentity(t);
    const weak = generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey;
    const secret = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    for (const keys of [
      [],
      [{ kty: "oct", k: "c2VjcmV0", kid: "one" }],
      [{ ...weak.export({ format: "jwk" }), kid: "one" }],
      [{ ...secret.export({ format: "jwk" }), kid: "one" }],
      [{ ...jwk(), kid: undefined }],
      [{ ...jwk(), alg: "HS384" }],
      [{ ...jwk(), use: "enc" }],
      [jwk("same"), jwk("same")],
    ]) {
      const refused = await register(identity, service({ keys }));
      assert.equal(refused.status, 400);
      assert.equal((await readJson(refused))["at"], "jwks");
    }
    await madeId(await register(identity, service()));
  });

  test("gives no app the scopes of a service, nor a service those of a person", async (t) => {
    const identity = await testIdentity(t);
    for (const wish of [
      { ...publicApp, scopes: ["system/*.rs"] },
      { ...publicApp, scopes: [] },
      { ...publicApp, scopes: ["patient/*.sr"] },
      { ...service(), scopes: ["user/*.rs"] },
      { ...service(), scopes: ["system/*.cruds"] },
      { ...service(), scopes: ["system/Observation.rs?category=x"] },
      { ...service(), scopes: ["openid"] },
    ]) {
      const refused = await register(identity, wish);
      assert.equal((await readJson(refused))["at"], "scopes", JSON.stringify(wish));
    }
  });

  test("revokes for good", async (t) => {
    const identity = await testIdentity(t);
    const id = await madeId(await register(identity, publicApp));
    const revoked = await readJson(await identity.operate("/internal/apps/revoke", { id }));
    assert.equal(revoked["status"], "revoked");
    for (const action of ["approve", "revoke"])
      assert.equal((await identity.operate(`/internal/apps/${action}`, { id })).status, 409);
    const nobody = "00000000-0000-4000-8000-000000000000";
    assert.equal((await identity.operate("/internal/apps/approve", { id: nobody })).status, 404);
  });

  test("is closed to everybody but operators", async (t) => {
    const identity = await testIdentity(t);
    for (const role of ["gateway", "records"]) {
      const refused = await identity.send(
        "/internal/apps",
        { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
        role,
      );
      assert.equal(refused.status, 403, role);
    }
  });
});
