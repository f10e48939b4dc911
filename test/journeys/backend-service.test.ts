import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import {
  clientCredentialsGrant,
  discovery,
  fetchProtectedResource,
  getDPoPHandle,
  PrivateKeyJwt,
  randomDPoPKeyPair,
  tokenIntrospection,
  type Configuration,
  type DPoPHandle,
} from "openid-client";
import { openVisitor, signIn } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";
import { trust } from "../support/dpop-clients.ts";

const scope = "system/Observation.rs";

suite(
  "a service of another house, with openid-client as it is published",
  { timeout: 300_000 },
  () => {
    let phylax: TestDeployment;
    let config: Configuration;
    let dpop: DPoPHandle;
    let client: string;
    let patient: string;

    before(async () => {
      phylax = await startDeployment();
      trust(phylax.authority());
      const visitor = openVisitor(phylax.origin, phylax.authority());
      const ana = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
      const me = await ana.ask("GET", "/api/identity/me");
      patient = (JSON.parse(me.text) as { patients: string[] }).patients[0] ?? "";
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
      const keys = join(phylax.home, "service-keys.json");
      const jwk = { ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES384" };
      writeFileSync(keys, JSON.stringify({ keys: [jwk] }));
      const made = await phylax.run(
        "apps",
        "register",
        "Night report",
        "--kind",
        "backend",
        "--jwks",
        keys,
        "--scope",
        scope,
        "--json",
      );
      assert.equal(made.code, 0, made.err);
      client = (JSON.parse(made.out) as { id: string }).id;
      const key = await crypto.subtle.importKey(
        "jwk",
        privateKey.export({ format: "jwk" }),
        { name: "ECDSA", namedCurve: "P-384" },
        false,
        ["sign"],
      );
      const how = PrivateKeyJwt({ key, kid: "one" });
      config = await discovery(new URL(phylax.origin), client, {}, how);
      dpop = getDPoPHandle(config, await randomDPoPKeyPair());
    });
    after(() => phylax.remove());

    const readWith = async (token: string): Promise<number> => {
      const url = new URL(`/fhir/Observation?patient=${patient}`, phylax.origin);
      const answer = await fetchProtectedResource(config, token, url, "GET", null, new Headers(), {
        DPoP: dpop,
      }).catch((error: unknown) => {
        if (error instanceof Error && error.cause instanceof Response) return error.cause;
        if (error instanceof Error && "response" in error && error.response instanceof Response)
          return error.response;
        throw error;
      });
      return answer.status;
    };

    test("gets a token by its key, reads with it, and is cut off within a second when revoked", async () => {
      const tokens = await clientCredentialsGrant(config, { scope }, { DPoP: dpop });
      assert.equal(tokens.token_type, "dpop");
      assert.equal(await readWith(tokens.access_token), 200);
      const told = await tokenIntrospection(config, tokens.access_token);
      assert.deepEqual([told.active, told.client_id], [true, client]);

      const rotated = await phylax.run("identity", "rotate-keys", "--json");
      assert.equal(rotated.code, 0, rotated.err);
      const later = await clientCredentialsGrant(config, { scope }, { DPoP: dpop });
      assert.equal(await readWith(later.access_token), 200);

      const revoked = await phylax.run("apps", "revoke", client);
      assert.equal(revoked.code, 0, revoked.err);
      await setTimeout(1_000);
      assert.equal(await readWith(tokens.access_token), 401);
      await assert.rejects(clientCredentialsGrant(config, { scope }, { DPoP: dpop }));
      const list = await phylax.run("apps", "list", "--json");
      const { items } = JSON.parse(list.out) as { items: { id: string; status: string }[] };
      assert.deepEqual(
        items.filter(({ id }) => id === client).map(({ status }) => status),
        ["revoked"],
      );
    });
  },
);
