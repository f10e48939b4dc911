import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { TOTP } from "otpauth";
import { createAuthenticator } from "#identity/passkeys/testing-authenticator.ts";
import {
  givePassword,
  openSignIn,
  openVisitor,
  type Answer,
  type Visitor,
} from "../support/client.ts";
import { printedSignIn, type TestDeployment } from "../support/deployment.ts";
import { jsonOf, postJson, problemOf, type Attacked, type Personas } from "./attacked.ts";

const noCode = "AAAA-BBBB-CCCC-DDDD";
/** An address may begin so many recoveries before it is held up. */
const fewRecoveries = 12;
const stepMs = 30_000;

export const attacksOnAuthenticators = (attacked: () => Attacked): void =>
  void suite("attacks on authenticators and recovery", () => {
    let phylax: TestDeployment;
    let personas: Personas;
    let visitor: Visitor;

    before(() => {
      ({ phylax, personas } = attacked());
      visitor = openVisitor(phylax.origin, phylax.authority());
    });
    after(() => visitor?.close());

    const begin = (code: string): Promise<Answer> =>
      postJson(visitor, "/api/identity/recovery/begin", { code });
    const finish = (recovery: unknown): Promise<Answer> =>
      postJson(visitor, "/api/identity/recovery/finish", { recovery });

    test("a passkey's answer that another origin asked for signs nobody in", async () => {
      const evil = { origin: "https://evil.example" };
      const { path } = await openSignIn(visitor);
      for (const wrong of [
        evil,
        { origin: `${phylax.origin}.evil.example` },
        { origin: phylax.origin.replace("https:", "http:") },
        { rpId: "evil.example" },
      ]) {
        const refused = await personas.answerPage(visitor, "clinician", path, wrong);
        assert.equal(problemOf(refused), "passkey-refused", JSON.stringify(wrong));
      }
      jsonOf(await personas.answerPage(visitor, "clinician", path));

      const { link } = printedSignIn(phylax.output(), "security-operator");
      const token = new URL(link).hash.slice("#token=".length);
      const { options } = jsonOf(await postJson(visitor, "/api/identity/enrol/begin", { token }));
      const credential = createAuthenticator().create(options, evil);
      const body = { token, passkeyName: "A key", credential };
      const refused = await postJson(visitor, "/api/identity/enrol/finish", body);
      assert.equal(problemOf(refused), "passkey-refused");
    });

    test("a one-time code serves once, and not one of a time long gone or to come", async () => {
      const persona = printedSignIn(phylax.output(), "security-operator");
      const codeAt = (ms: number): string =>
        new TOTP({ secret: persona.totpSeed }).generate({ timestamp: ms });
      const tryCode = async (code: string): Promise<Answer> => {
        const { path } = await openSignIn(visitor);
        jsonOf(await givePassword(visitor, path, persona));
        return postJson(visitor, `${path}/totp`, { code });
      };
      for (const steps of [-10, 10])
        assert.equal(
          problemOf(await tryCode(codeAt(Date.now() + steps * stepMs))),
          "sign-in-failed",
        );
      const now = Date.now();
      const code = codeAt(now);
      jsonOf(await tryCode(code));
      assert.equal(problemOf(await tryCode(code)), "sign-in-failed", "seen and typed again");
      jsonOf(await tryCode(codeAt(now + stepMs)));
      assert.equal(problemOf(await tryCode(code)), "sign-in-failed", "older than one that served");
    });

    test("a recovery by somebody else's code waits, tells nothing, and is called off by its owner", async () => {
      const own = openVisitor(phylax.origin, phylax.authority());
      const person = await personas.signIn(own, "privacy-officer");
      const { codes } = jsonOf(await person.ask("POST", "/api/identity/account/recovery-codes"));
      assert.ok(Array.isArray(codes));
      const stolen = await begin(String(codes[0]));
      const guessed = await begin(noCode);
      const shapeOf = (answer: Answer) => {
        const { recovery, readyAt, ...rest } = jsonOf(answer);
        const lengths = [String(recovery).length, String(readyAt).length];
        return [answer.status, Object.keys(answer.headers), lengths, rest];
      };
      assert.deepEqual(shapeOf(guessed), shapeOf(stolen));
      for (const answer of [stolen, guessed]) {
        const { recovery, state } = jsonOf(answer);
        assert.equal(state, "waiting");
        assert.equal(problemOf(await finish(recovery)), "recovery-waiting");
      }
      const { items } = jsonOf(await person.ask("GET", "/api/identity/account/recovery"));
      assert.ok(Array.isArray(items) && items.length === 1);
      const { id } = items[0] as { readonly id: string };
      jsonOf(await person.ask("DELETE", `/api/identity/account/recovery/${id}`));
      const left = jsonOf(await person.ask("GET", "/api/identity/account/recovery"));
      assert.deepEqual(left["items"], []);
      await own.close();
    });

    test("who guesses at recovery codes is held up", async () => {
      const answers: Answer[] = [];
      for (let guess = 0; guess < fewRecoveries; guess += 1) answers.push(await begin(noCode));
      const last = answers.at(-1);
      assert.equal(last?.status, 429);
      assert.ok(Number(last.headers["retry-after"]) >= 1, "it says how long to wait");
    });
  });
