import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { after, before, suite, test } from "node:test";
import {
  askForToken,
  authorizePath,
  codeGrant,
  makeProofKey,
  makeVerifier,
  openSignIn,
  openVisitor,
  type Answer,
  type ProofKey,
  type SignedIn,
  type Visitor,
} from "../support/client.ts";
import type { TestDeployment } from "../support/deployment.ts";
import type { Attacked, Personas } from "./attacked.ts";

const base64url = (value: string | Buffer): string => Buffer.from(value).toString("base64url");
const encoded = (value: object): string => base64url(JSON.stringify(value));

function decoded(token: string, part: 0 | 1): Record<string, unknown> {
  const text = Buffer.from(token.split(".")[part] ?? "", "base64url").toString("utf8");
  return JSON.parse(text) as Record<string, unknown>;
}

const errorOf = ({ text }: Answer): unknown =>
  (JSON.parse(text) as Record<string, unknown>)["error"];

export const attacksOnTokens = (attacked: () => Attacked): void =>
  void suite("attacks on tokens", () => {
    let phylax: TestDeployment;
    let personas: Personas;
    let visitor: Visitor;
    let patient: SignedIn;
    let ownRecord: string;
    const me = "/api/identity/me";

    /** Asks for her record and for her account with such a token and proof; both must refuse. */
    async function assertRefused(
      what: string,
      token: string,
      proofFor: (url: string) => string,
    ): Promise<void> {
      for (const path of [ownRecord, me]) {
        const answer = await visitor.ask("GET", path, {
          headers: { authorization: `DPoP ${token}`, dpop: proofFor(`${phylax.origin}${path}`) },
        });
        assert.equal(answer.status, 401, `${what} at ${path}`);
      }
    }
    const withHerKey =
      (token: string, key: ProofKey = patient.key) =>
      (url: string): string =>
        key.proof("GET", url, token);

    before(async () => {
      ({ phylax, personas } = attacked());
      visitor = openVisitor(phylax.origin, phylax.authority());
      patient = await personas.signIn(visitor, "patient");
      const answer = await patient.ask("GET", me);
      const { patients } = JSON.parse(answer.text) as { patients: readonly string[] };
      ownRecord = `/fhir/Patient/${patients[0] ?? ""}`;
      assert.equal((await patient.ask("GET", ownRecord)).status, 200);
    });
    after(() => visitor?.close());

    test("a stolen token without its key opens nothing", async () => {
      const { token } = patient;
      await assertRefused("another key", token, withHerKey(token, makeProofKey()));
      await assertRefused("no proof", token, () => "");
      for (const path of [ownRecord, me]) {
        const headers = { authorization: `Bearer ${token}` };
        assert.equal((await visitor.ask("GET", path, { headers })).status, 401, path);
      }
    });

    test("a proof serves once, for its method, its address and its token", async () => {
      const { token, key } = patient;
      for (const path of [ownRecord, me]) {
        const url = `${phylax.origin}${path}`;
        const headers = { authorization: `DPoP ${token}`, dpop: key.proof("GET", url, token) };
        assert.equal((await visitor.ask("GET", path, { headers })).status, 200, path);
        assert.equal((await visitor.ask("GET", path, { headers })).status, 401, path);
      }
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const at = (seconds: number) => (url: string) =>
        key.proof("GET", url, token, nowSeconds + seconds);
      await assertRefused("of two minutes ago", token, at(-120));
      await assertRefused("of two minutes ahead", token, at(120));
      for (const seconds of [-30, 30]) {
        const headers = {
          authorization: `DPoP ${token}`,
          dpop: at(seconds)(`${phylax.origin}${me}`),
        };
        const answer = await visitor.ask("GET", me, { headers });
        assert.equal(answer.status, 200, `a clock that is ${seconds} s off is served`);
      }
      await assertRefused("another method", token, (url) => key.proof("POST", url, token));
      await assertRefused("another address", token, () => key.proof("GET", phylax.origin, token));
      await assertRefused("another token", token, (url) => key.proof("GET", url, "x"));
      await assertRefused("no token", token, (url) => key.proof("GET", url));
      await assertRefused("another host", token, (url) =>
        key.proof("GET", url.replace("https://localhost", "https://evil.example"), token),
      );
    });

    test("a proof that the token endpoint took is not taken there again", async () => {
      const proof = patient.key.proof("POST", `${phylax.origin}/oauth/token`);
      const refresh = (token: unknown, by?: string) =>
        askForToken(
          visitor,
          patient.key,
          { grant_type: "refresh_token", refresh_token: String(token) },
          by,
        );
      const first = await refresh(patient.refreshToken, proof);
      assert.equal(first.status, 200, first.text);
      const next = (JSON.parse(first.text) as Record<string, unknown>)["refresh_token"];
      assert.equal(errorOf(await refresh(next, proof)), "invalid_grant");
      assert.equal((await refresh(next)).status, 200, "with a fresh proof it serves");
    });

    test("a token signed in another way than ours, or by another key, is none", async () => {
      const { token } = patient;
      const [head = "", claims = "", signature = ""] = token.split(".");
      const header = decoded(token, 0);
      const jwks = await visitor.ask("GET", "/oauth/jwks");
      const published = (JSON.parse(jwks.text) as { keys: readonly object[] }).keys[0] ?? {};
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const { kty, crv, x, y } = own.publicKey.export({ format: "jwk" });
      const byOwn = (text: string): string =>
        base64url(
          sign("sha256", Buffer.from(text), { key: own.privateKey, dsaEncoding: "ieee-p1363" }),
        );
      const forge = (changed: object): string => {
        const text = `${encoded({ ...header, ...changed })}.${claims}`;
        return `${text}.${byOwn(text)}`;
      };
      const keyed = (secret: string): string => {
        const text = `${encoded({ ...header, alg: "HS256" })}.${claims}`;
        return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
      };
      const widened = encoded({ ...decoded(token, 1), scope: "system/*.cruds" });
      const forged: Readonly<Record<string, string>> = {
        "alg none": `${encoded({ ...header, alg: "none" })}.${claims}.`,
        "alg None, signature kept": `${encoded({ ...header, alg: "None" })}.${claims}.${signature}`,
        "no signature": `${head}.${claims}.`,
        "HS256 keyed by the published key": keyed(JSON.stringify(published)),
        "HS256 keyed by nothing": keyed(""),
        "ES384 named": forge({ alg: "ES384" }),
        "another key under our kid": forge({}),
        "a key in the header": forge({ jwk: { kty, crv, x, y } }),
        "a key set by address": forge({ jku: "https://evil.example/jwks", kid: "evil" }),
        "a certificate by address": forge({ x5u: "https://evil.example/x5u" }),
        "a kid that is a path": forge({ kid: "../../../../dev/null" }),
        "a kid that is a statement": forge({ kid: "x' OR '1'='1" }),
        "a kid of the language": forge({ kid: "__proto__" }),
        "no kid": forge({ kid: undefined }),
        "critical extension unknown": forge({ crit: ["b64"], b64: false }),
        "claims changed": `${head}.${widened}.${signature}`,
        "claims twice": `${head}.${claims}.${claims}.${signature}`,
      };
      for (const [what, one] of Object.entries(forged))
        await assertRefused(what, one, withHerKey(one));
      assert.equal((await patient.ask("GET", ownRecord)).status, 200, "her own still serves");
    });

    test("a proof signed in another way than its header says is none", async () => {
      const { token, key } = patient;
      const changed = (change: object, signed: (text: string) => string) => (url: string) => {
        const [head = "", claims = ""] = key.proof("GET", url, token).split(".");
        const header = JSON.parse(Buffer.from(head, "base64url").toString("utf8")) as object;
        const text = `${encoded({ ...header, ...change })}.${claims}`;
        return `${text}.${signed(text)}`;
      };
      await assertRefused(
        "alg none",
        token,
        changed({ alg: "none" }, () => ""),
      );
      await assertRefused(
        "HS256",
        token,
        changed({ alg: "HS256" }, (text) =>
          createHmac("sha256", "").update(text).digest("base64url"),
        ),
      );
      await assertRefused(
        "another type",
        token,
        changed({ typ: "JWT" }, () => "AAAA"),
      );
    });

    test("a code never goes to an address that is not registered to the letter", async () => {
      const { origin } = phylax;
      const tricks = [
        "https://evil.example/callback",
        `${origin}.evil.example/callback`,
        `${origin}@evil.example/callback`,
        `${origin}/callback/../evil`,
        `${origin}/callback?next=https://evil.example`,
        `${origin}/callback#x`,
        `${origin}/callback/`,
        `${origin}/CALLBACK`,
        `${origin}//callback`,
        `${origin}/callback%2f..%2fevil`,
        origin.replace("https:", "http:") + "/callback",
        "//evil.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
      ];
      for (const trick of tricks) {
        const path = authorizePath(origin, makeVerifier(), { redirect_uri: trick, prompt: "none" });
        const { headers, status } = await visitor.ask("GET", path, {
          headers: { accept: "text/html" },
        });
        assert.equal(status, 303, trick);
        const to = new URL(String(headers["location"]), origin);
        assert.equal(to.origin + to.pathname, `${origin}/callback`, trick);
        assert.deepEqual([...to.searchParams.keys()], ["error"], trick);
      }
    });

    test("no path of ours sends a browser to another site", async () => {
      const evil = "https://evil.example/";
      const paths = [
        `/oauth/end-session?post_logout_redirect_uri=${encodeURIComponent(evil)}`,
        `/oauth/end-session?client_id=phylax-portal&post_logout_redirect_uri=${encodeURIComponent(evil)}&state=x`,
        `/oauth/authorize?client_id=unknown&redirect_uri=${encodeURIComponent(evil)}`,
        `/oauth/authorize?client_id=phylax-portal&request_uri=${encodeURIComponent(evil)}`,
        "//evil.example/",
        "/\\evil.example/",
        "/%2f%2fevil.example/",
      ];
      for (const path of paths) {
        const { headers, text } = await visitor.ask("GET", `${phylax.origin}${path}`, {
          headers: { accept: "text/html" },
        });
        const location = headers["location"];
        if (location !== undefined)
          assert.equal(new URL(String(location), phylax.origin).origin, phylax.origin, path);
        assert.doesNotMatch(text, /evil\.example/, path);
      }
    });

    test("an intercepted code is worth nothing without verifier and key", async () => {
      const own = openVisitor(phylax.origin, phylax.authority());
      const key = makeProofKey();
      const opened = await openSignIn(own);
      const code = await personas.getCode(own, "clinician", opened);
      const grant = (verifier: string) => codeGrant(phylax.origin, code, verifier);
      const without = await askForToken(visitor, makeProofKey(), grant(""));
      assert.equal(errorOf(without), "invalid_grant");
      const guessed = await askForToken(visitor, makeProofKey(), grant(makeVerifier()));
      assert.equal(errorOf(guessed), "invalid_grant");
      const rightful = await askForToken(own, key, grant(opened.verifier));
      assert.equal(rightful.status, 200, "the app that asked still gets its tokens");
      await own.close();
    });

    test("of a refresh token used twice the whole family dies, and nothing can be widened on the way", async () => {
      const own = openVisitor(phylax.origin, phylax.authority());
      const first = await personas.signIn(own, "privacy-officer");
      const refresh = (token: string | null, key: ProofKey, more: Record<string, string> = {}) =>
        askForToken(own, key, {
          grant_type: "refresh_token",
          refresh_token: String(token),
          ...more,
        });
      const scope = "openid patient/*.cruds system/*.rs";
      assert.equal(
        errorOf(await refresh(first.refreshToken, first.key, { scope })),
        "invalid_scope",
      );
      const thief = await refresh(first.refreshToken, makeProofKey());
      assert.equal(errorOf(thief), "invalid_grant", "another key");
      const second = await refresh(first.refreshToken, first.key);
      assert.equal(second.status, 200, second.text);
      const next = JSON.parse(second.text) as { access_token: string; refresh_token: string };
      assert.equal(errorOf(await refresh(first.refreshToken, first.key)), "invalid_grant");
      assert.equal(errorOf(await refresh(next.refresh_token, first.key)), "invalid_grant");
      const proof = withHerKey(next.access_token, first.key);
      const answer = await own.ask("GET", me, {
        headers: {
          authorization: `DPoP ${next.access_token}`,
          dpop: proof(`${phylax.origin}${me}`),
        },
      });
      assert.equal(answer.status, 401, "the newest access token, too");
      await own.close();
    });

    test("mix-up: each answer to an app names the issuer that it came from", async () => {
      const path = authorizePath(phylax.origin, makeVerifier(), { prompt: "none" });
      for (const who of [visitor, openVisitor(phylax.origin, phylax.authority())]) {
        const { headers } = await who.ask("GET", path);
        const to = new URL(String(headers["location"]), phylax.origin);
        assert.equal(to.searchParams.get("iss"), phylax.origin, to.href);
      }
      const metadata = await visitor.ask("GET", "/.well-known/openid-configuration");
      const known = JSON.parse(metadata.text) as Record<string, unknown>;
      assert.equal(known["issuer"], phylax.origin);
      assert.equal(known["authorization_response_iss_parameter_supported"], true);
    });
  });
