import assert from "node:assert/strict";
import {
  createAuthenticator,
  type Authenticator,
  type Misbehaviour,
} from "#identity/passkeys/testing-authenticator.ts";
import {
  exchangeCode,
  openSignIn,
  type Answer,
  type OpenedSignIn,
  type SignedIn,
  type Visitor,
} from "../support/client.ts";
import { printedSignIn, type TestDeployment } from "../support/deployment.ts";

/** The one deployment that all attacks share, and the people of its demo. */
export interface Attacked {
  readonly phylax: TestDeployment;
  readonly personas: Personas;
}

/** The demo's people, each with a passkey that is made when it is first needed. */
export interface Personas {
  /** From an opened sign-in page to the code that comes back to the app. */
  getCode(visitor: Visitor, role: string, opened: OpenedSignIn): Promise<string>;
  signIn(visitor: Visitor, role: string): Promise<SignedIn>;
  /** Answers a sign-in page's challenge, maybe not as an honest browser would. */
  answerPage(visitor: Visitor, role: string, path: string, wrong?: Misbehaviour): Promise<Answer>;
}

const headers = { "content-type": "application/json" };

export const postJson = (visitor: Visitor, path: string, body: unknown): Promise<Answer> =>
  visitor.ask("POST", path, { headers, body: JSON.stringify(body) });

export function jsonOf({ status, text }: Answer): Readonly<Record<string, unknown>> {
  assert.ok(status < 300, `${status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** The code of the problem that an answer tells of. */
export function problemOf({ text }: Answer): string {
  const { type } = JSON.parse(text) as { readonly type?: unknown };
  return String(type).replace("urn:phylax:problem:", "");
}

/** Follows the sign-in page's last answer back to the app: what comes to the app's address. */
export async function comeBack(visitor: Visitor, last: Answer): Promise<URLSearchParams> {
  const back = await visitor.ask("GET", String(jsonOf(last)["redirectTo"]));
  return new URL(String(back.headers["location"]), visitor.origin).searchParams;
}

async function enrol(visitor: Visitor, link: string): Promise<Authenticator> {
  const token = new URL(link).hash.slice("#token=".length);
  const offer = jsonOf(await postJson(visitor, "/api/identity/enrol/begin", { token }));
  const authenticator = createAuthenticator();
  const credential = authenticator.create(offer["options"], { origin: visitor.origin });
  const body = { token, passkeyName: "A key", credential };
  jsonOf(await postJson(visitor, "/api/identity/enrol/finish", body));
  return authenticator;
}

/** The demo prints a link for each of its people; an administrator is none of them. */
async function linkFor(phylax: TestDeployment, role: string): Promise<string> {
  if (role !== "administrator") return printedSignIn(phylax.output(), role).link;
  const named = ["--name", "Ada Desk", "--role", role, "--json"];
  const { out } = await phylax.run("invite", "front-desk", ...named);
  const { link } = JSON.parse(out) as { readonly link: string };
  return link;
}

export function createPersonas(phylax: TestDeployment): Personas {
  const enrolled = new Map<string, Promise<Authenticator>>();
  const keyOf = (visitor: Visitor, role: string): Promise<Authenticator> => {
    const known = enrolled.get(role);
    if (known !== undefined) return known;
    const made = linkFor(phylax, role).then((link) => enrol(visitor, link));
    enrolled.set(role, made);
    return made;
  };
  const answerPage: Personas["answerPage"] = async (visitor, role, path, wrong = {}) => {
    const authenticator = await keyOf(visitor, role);
    const options = jsonOf(await postJson(visitor, `${path}/passkey/options`, {}));
    const credential = authenticator.get(options, { origin: visitor.origin, ...wrong });
    return postJson(visitor, `${path}/passkey/verify`, { credential });
  };
  const getCode: Personas["getCode"] = async (visitor, role, { path }) => {
    const back = await comeBack(visitor, await answerPage(visitor, role, path));
    const code = back.get("code");
    assert.ok(code !== null, `no code came back: ${back.toString()}`);
    return code;
  };
  return {
    answerPage,
    getCode,
    signIn: async (visitor, role) => {
      const opened = await openSignIn(visitor);
      return exchangeCode(visitor, opened, await getCode(visitor, role, opened));
    },
  };
}
