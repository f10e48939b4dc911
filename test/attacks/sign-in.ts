import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import { noBrowser, openBrowser } from "../support/chromium.ts";
import {
  authorizePath,
  givePassword,
  makeVerifier,
  openSignIn,
  openVisitor,
  type Answer,
  type Visitor,
} from "../support/client.ts";
import { printedSignIn, type TestDeployment } from "../support/deployment.ts";
import { jsonOf, type Attacked, type Personas } from "./attacked.ts";

const roles = ["patient", "clinician", "privacy-officer", "security-operator"] as const;
const json = { "content-type": "application/json" };

/** Guesses at one user name that are not held up, and few enough for the gateway's budget of an address. */
const freeGuesses = 4;
/** After these a user name is held up, however slow the machine. */
const fewGuesses = 8;
/** An address gets fewer guesses than this in a row, whatever names it tries. */
const mostGuesses = 80;

/** What of an answer a guesser could tell apart; time and the request's id differ in each. */
function visible({ status, headers, text }: Answer) {
  const { date: _date, "request-id": _id, ...rest } = headers;
  return { status, headers: rest, text };
}

/** Guesses, each on a sign-in page of its own; answers the first that was held up, or the last. */
async function guessUntilHeldUp(
  visitor: Visitor,
  loginOf: (guess: number) => string,
  most: number,
): Promise<Answer> {
  for (let guess = 1; ; guess += 1) {
    const { path } = await openSignIn(visitor);
    const wrong = { login: loginOf(guess), password: "not the password" };
    const answer = await givePassword(visitor, path, wrong);
    if (answer.status === 429 || guess === most) return answer;
  }
}

/** A page of another site, on its own port and so of another origin. */
async function foreignSite(body: string): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end(body),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

export const attacksOnSignIn = (attacked: () => Attacked): void =>
  void suite("attacks on sign-in", () => {
    let phylax: TestDeployment;
    let personas: Personas;
    const visitors: Visitor[] = [];
    const visit = (): Visitor => {
      const visitor = openVisitor(phylax.origin, phylax.authority());
      visitors.push(visitor);
      return visitor;
    };

    before(() => {
      ({ phylax, personas } = attacked());
    });
    after(() => Promise.all(visitors.map((visitor) => visitor.close())));

    test("clickjacking: no page may stand in a frame, nor run another site's script", async () => {
      const visitor = visit();
      for (const path of ["/", "/sign-in/some-uid", "/enrol", "/callback", "/home", "/access"]) {
        const { status, headers } = await visitor.ask("GET", path);
        assert.equal(status, 200, path);
        const policy = String(headers["content-security-policy"]);
        assert.match(policy, /frame-ancestors 'none'/, path);
        assert.match(policy, /default-src 'none'/, path);
        assert.match(policy, /script-src 'self'(;|$)/, path);
        assert.match(policy, /form-action 'self'/, path);
        assert.match(policy, /base-uri 'none'/, path);
        assert.equal(headers["cross-origin-opener-policy"], "same-origin", path);
        assert.equal(headers["referrer-policy"], "no-referrer", path);
      }
    });

    test(
      "clickjacking: a browser shows nothing of ours in another site's frame",
      { skip: noBrowser },
      async () => {
        const site = await foreignSite(`<iframe src="${phylax.origin}/"></iframe>`);
        const browser = await openBrowser({ authority: phylax.authority() });
        try {
          const page = await browser.newPage();
          await page.goto(site.url, { waitUntil: "load" });
          const frame = page.frames().find((one) => one !== page.mainFrame());
          assert.ok(frame !== undefined, "there is a frame");
          assert.ok(!(await frame.content()).includes("/assets/"), "the portal is in the frame");
          await page.goto(phylax.origin, { waitUntil: "load" });
          assert.ok(
            (await page.content()).includes("/assets/"),
            "the same page by itself is shown",
          );
        } finally {
          await browser.close();
          site.close();
        }
      },
    );

    test("CSRF: what another site's page could send changes nothing", async () => {
      const visitor = visit();
      const { path } = await openSignIn(visitor);
      const posts = [
        `${path}/passkey/options`,
        `${path}/password`,
        `${path}/totp`,
        "/api/identity/enrol/begin",
        "/api/identity/sign-out",
      ];
      for (const post of posts) {
        const foreign = await visitor.ask("POST", post, {
          headers: { ...json, origin: "https://evil.example" },
          body: "{}",
        });
        assert.equal(foreign.status, 403, post);
        assert.equal(foreign.headers["access-control-allow-origin"], undefined, post);
        for (const type of ["application/x-www-form-urlencoded", "text/plain"]) {
          const form = await visitor.ask("POST", post, {
            headers: { "content-type": type },
            body: "{}",
          });
          assert.ok([401, 415].includes(form.status), `${post} as ${type}: ${form.status}`);
        }
      }
      const own = await visitor.ask("POST", `${path}/passkey/options`, {
        headers: { ...json, origin: phylax.origin },
        body: "{}",
      });
      assert.equal(own.status, 200, "the same from our own page is served");
    });

    test("session fixation: a sign-in begun by the attacker opens in no other browser", async () => {
      const { path } = await openSignIn(visit());
      const victim = visit();
      for (const [method, tail] of [
        ["GET", "state"],
        ["POST", "passkey/options"],
        ["POST", "password"],
      ] as const) {
        const answer = await victim.ask(method, `${path}/${tail}`, {
          headers: json,
          ...(method === "POST" ? { body: "{}" } : {}),
        });
        assert.ok(answer.status >= 400, `${tail}: ${answer.status}`);
      }
    });

    test("session fixation: cookies planted before sign-in carry nobody afterwards", async () => {
      const attacker = visit();
      const opened = await openSignIn(attacker);
      const planted = new Map(attacker.cookies);
      const victim = visit();
      for (const [name, value] of planted) victim.cookies.set(name, value);
      const proven = jsonOf(await personas.answerPage(victim, "patient", opened.path));
      const onward = String(proven["redirectTo"]);
      // Whoever planted them knows the way back as well, and may be there first.
      const thief = await attacker.ask("GET", onward, { headers: { accept: "text/html" } });
      const stolen = new URL(String(thief.headers["location"]), phylax.origin).searchParams;
      assert.equal(stolen.get("error"), "sign_in_lost");
      const back = await victim.ask("GET", onward);
      const kept = new URL(String(back.headers["location"]), phylax.origin).searchParams;
      assert.ok(kept.has("code"), "she goes on all the same");

      const silently = async (visitor: Visitor): Promise<URLSearchParams> => {
        const path = authorizePath(phylax.origin, makeVerifier(), { prompt: "none" });
        const { headers } = await visitor.ask("GET", path);
        return new URL(String(headers["location"]), phylax.origin).searchParams;
      };
      assert.ok((await silently(victim)).has("code"), "she is signed in");
      assert.equal((await silently(attacker)).get("error"), "login_required");
      const stale = visit();
      for (const [name, value] of planted) stale.cookies.set(name, value);
      assert.equal((await silently(stale)).get("error"), "login_required");
    });

    test("enumeration: a wrong password and an unknown name get the same answer after the same work", async (t) => {
      const visitor = visit();
      const took = { known: [] as number[], unknown: [] as number[] };
      const guess = async (kind: keyof typeof took, login: string) => {
        const { path } = await openSignIn(visitor);
        const began = performance.now();
        const answer = await givePassword(visitor, path, { login, password: "not the password" });
        took[kind].push(performance.now() - began);
        return visible(answer);
      };
      for (const role of roles) {
        const { login } = printedSignIn(phylax.output(), role);
        for (let round = 0; round < freeGuesses; round += 1) {
          const known = await guess("known", login);
          assert.deepEqual(await guess("unknown", `${login}.nobody`), known, `${role}, ${round}`);
          assert.equal(known.status, 200);
        }
      }
      // The least of many is what the work takes when nothing else does; a hash left out is a tenth.
      const [known, unknown] = [Math.min(...took.known), Math.min(...took.unknown)];
      t.diagnostic(`least time: known ${known.toFixed(1)} ms, unknown ${unknown.toFixed(1)} ms`);
      assert.ok(known < unknown * 3 && unknown < known * 3, `${known} ms, ${unknown} ms`);
    });

    test("enumeration: once held up, a known and an unknown name are held up alike", async () => {
      const visitor = visit();
      const { login } = printedSignIn(phylax.output(), "clinician");
      const answers = [];
      for (const name of [login, `${login}.nobody`]) {
        const answer = await guessUntilHeldUp(visitor, () => name, fewGuesses);
        const { "retry-after": wait, ...headers } = visible(answer).headers;
        assert.ok(Number(wait) >= 1, "it says how long to wait");
        answers.push({ ...visible(answer), headers });
      }
      assert.deepEqual(answers[0], answers[1]);
      assert.equal(answers[0]?.status, 429);
    });

    test("spraying: one password over many names is held up, passkeys of the same address are not", async () => {
      const visitor = visit();
      const last = await guessUntilHeldUp(visitor, (guess) => `person.${guess}`, mostGuesses);
      assert.equal(last.status, 429);
      assert.ok(Number(last.headers["retry-after"]) >= 1, "it says how long to wait");
      const { path } = await openSignIn(visitor);
      const options = { headers: json, body: "{}" };
      assert.equal((await visitor.ask("POST", `${path}/passkey/options`, options)).status, 200);
    });
  });
