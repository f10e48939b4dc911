import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Pool } from "undici";
import { clientFactHeaders } from "#core/client-facts.ts";
import { parsePublicJwk, thumbprintOf } from "#core/jws.ts";
import { connectPeer } from "#core/net.ts";
import {
  askForToken,
  authorizePath,
  codeGrant,
  makeProofKey,
  makeVerifier,
  openVisitor,
  signIn,
  type ProofKey,
  type SignedIn,
  type Visitor,
} from "../test/support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import { residentMemoryMb } from "../test/support/processes.ts";
import type { Figure } from "./figure.ts";
import { openedHome, type OpenedHome } from "./identity/home.ts";
import { inTurns, type RefreshingApp, type TokenEndpoint } from "./identity/refreshing.ts";
import { checkTimes, type CheckTimes } from "./identity/token-check.ts";
import { loadCalls, settleSeconds, type Reached } from "./load.ts";

const clients = 16;
const seconds = 5;
/** A proof lives for a minute. */
const proofsEach = 1_000;

const facts = {
  [clientFactHeaders.address]: "192.0.2.1",
  [clientFactHeaders.zone]: "internet",
  [clientFactHeaders.requestId]: "00000000-0000-4000-8000-000000000001",
};

const proofsOf = (key: ProofKey, url: string): string[] =>
  Array.from({ length: proofsEach }, () => key.proof("POST", url));

/** One more app of the person who is signed in here: its own key, so its own device and session. */
async function anotherApp(visitor: Visitor): Promise<RefreshingApp> {
  const { origin } = visitor;
  const verifier = makeVerifier();
  const path = authorizePath(origin, verifier, { prompt: "none" });
  const { headers } = await visitor.ask("GET", path);
  const code = new URL(String(headers["location"]), origin).searchParams.get("code") ?? "";
  const key = makeProofKey();
  const answer = await askForToken(visitor, key, codeGrant(origin, code, verifier));
  const { refresh_token: token } = JSON.parse(answer.text) as { refresh_token: string };
  return { key, refreshToken: token, proofs: [] };
}

const loading = (endpoint: TokenEndpoint, apps: readonly RefreshingApp[]): Promise<Reached> => {
  for (const app of apps) app.proofs.push(...proofsOf(app.key, endpoint.url));
  return loadCalls({ clients, seconds, warmUpSeconds: settleSeconds }, inTurns(endpoint, apps));
};

/** Refreshes over identity's socket, as the gateway hands them on. */
async function refreshes(
  phylax: TestDeployment,
  opened: OpenedHome,
  visitor: Visitor,
): Promise<Reached> {
  const apps: RefreshingApp[] = [];
  while (apps.length < clients) apps.push(await anotherApp(visitor));
  const pool = connectPeer({
    address: { kind: "unix", path: opened.home.socket("identity") },
    identity: opened.identityOf("gateway"),
    role: "identity",
    connections: clients,
  });
  const url = `${phylax.origin}/oauth/token`;
  try {
    return await loading({ pool, url, clientId: "phylax-portal", headers: facts }, apps);
  } finally {
    await pool.destroy();
  }
}

function jktOf(key: ProofKey): string {
  const head = Buffer.from(key.proof("POST", "x").split(".")[0] ?? "", "base64url");
  const { jwk } = JSON.parse(head.toString("utf8")) as { jwk: unknown };
  const known = parsePublicJwk(jwk);
  if (known === null) throw new Error("a proof names its key");
  return thumbprintOf(known);
}

/** The same load on the library alone, with nothing durable and nothing sealed. */
async function bareRefreshes(): Promise<Reached> {
  const keys = Array.from({ length: clients }, () => makeProofKey());
  const child = fork(join(import.meta.dirname, "identity/bare-provider.ts"), {
    // The library warns at length that it is not to be used so.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.send(keys.map(jktOf));
  const [told] = (await once(child, "message")) as [{ port: number; tokens: readonly string[] }];
  const origin = `http://127.0.0.1:${told.port}`;
  const pool = new Pool(origin, { connections: clients });
  const apps = keys.map((key, at) => ({ key, refreshToken: told.tokens[at] ?? "", proofs: [] }));
  try {
    return await loading({ pool, url: `${origin}/token`, clientId: "bare", headers: {} }, apps);
  } finally {
    await pool.destroy();
    child.disconnect();
  }
}

function figures(
  ours: Reached,
  bare: Reached,
  check: CheckTimes,
  memoryMb: number,
): readonly Figure[] {
  return [
    {
      name: "refreshes at the token endpoint, 16 clients",
      value: ours.perSecond,
      unit: "tokens/s",
      floor: 500,
      ratio: ours.perSecond / bare.perSecond,
      against: "oidc-provider alone, in memory, over plain HTTP",
    },
    { name: "p50 of it", value: ours.p50Ms, unit: "ms" },
    { name: "p99 of it", value: ours.p99Ms, unit: "ms" },
    {
      name: "token, proof and live session checked in records, p50",
      value: check.p50Ms,
      unit: "ms",
      ceiling: 0.3,
    },
    { name: "p99 of it", value: check.p99Ms, unit: "ms" },
    {
      name: "resident memory of the identity process at the end of this load",
      value: memoryMb,
      unit: "MB",
      ceiling: 200,
    },
  ];
}

/** Tokens: given by identity, and checked by the records process. */
export async function run(): Promise<readonly Figure[]> {
  const phylax = await startDeployment({ variables: { PHYLAX_BRAKE_SHARE: "10000" } });
  const visitor = openVisitor(phylax.origin, phylax.authority());
  try {
    const opened = openedHome(phylax.home);
    const clinician: SignedIn = await signIn(visitor, printedSignIn(phylax.output(), "clinician"));
    const check = await checkTimes(opened, visitor, clinician);
    const ours = await refreshes(phylax, opened, visitor);
    const memory = residentMemoryMb(phylax.home, "identity");
    return figures(ours, await bareRefreshes(), check, memory);
  } finally {
    await visitor.close();
    await phylax.remove();
  }
}
