import type { IncomingMessage, ServerResponse } from "node:http";
import { parsePseudonym } from "#core/ids.ts";
import type { GenerateAnswer, KeyStatus, UnwrapAnswer } from "#core/key-wire.ts";
import type { Handler } from "#core/net.ts";
import { meaningOf, problem, problemDetails, refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import { readJson } from "#keys/body.ts";
import type { KeyRing } from "#keys/ring.ts";
import { parseGenerateRequest, parseUnwrapRequest } from "#keys/wire.ts";

/** One request for keys, for whoever counts or records them. */
export interface KeyUse {
  readonly action: "unwrap" | "generate";
  readonly who: ProcessRole;
  /** Keys asked for. */
  readonly asked: number;
  /** Keys handed out; the others were refused, damaged or of an epoch that is gone. */
  readonly given: number;
}

export interface KeysServerDeps {
  readonly ring: KeyRing;
  /** The role that the caller's certificate proves. */
  readonly peerOf: (request: IncomingMessage) => ProcessRole | null;
  readonly random: Random;
  /** Told of each request before it is answered; when it throws, no key is handed out. */
  readonly onUse: (use: KeyUse) => void;
}

type Answer = UnwrapAnswer | GenerateAnswer | KeyStatus;

const dataKeyBytes = 32;

/** POST /unwrap, POST /generate, GET /status, as core/key-wire.ts says; every failure is RFC 9457. */
export function createKeysServer(deps: KeysServerDeps): Handler {
  const desk = createDesk(deps);
  return (request, response) => {
    serve(deps, desk, request).then(
      (answer) => send(response, answer),
      () => send(response, refuse("unexpected")),
    );
  };
}

/** Whose keys a process may hold: a patient's key is never identity's, nor identity's anyone else's. */
function mayHave(who: ProcessRole, compartment: string): boolean {
  switch (who) {
    case "records":
      return compartment === "organisation" || parsePseudonym(compartment) !== null;
    case "identity":
      return compartment === "identity";
    case "gateway":
    case "keys":
    case "operator":
      return false;
    default:
      return unreachable(who);
  }
}

interface Desk {
  unwrap(who: ProcessRole, body: unknown): Result<UnwrapAnswer>;
  generate(who: ProcessRole, body: unknown): Result<GenerateAnswer>;
  status(): KeyStatus;
}

function createDesk({ ring, random, onUse }: KeysServerDeps): Desk {
  let unwraps = 0;
  return {
    unwrap: (who, body) => {
      const asked = parseUnwrapRequest(body);
      if (asked === null) return refuse("parameter-invalid");
      const keys = asked.keys.map((wrapped) => {
        if (!mayHave(who, wrapped.compartment)) return { ok: false, code: "not-yours" } as const;
        const key = ring.unwrap(wrapped);
        return key.ok ? ({ ok: true, key: printAndWipe(key.key) } as const) : key;
      });
      const given = keys.filter((key) => key.ok).length;
      unwraps += given;
      onUse({ action: "unwrap", who, asked: keys.length, given });
      return ok({ keys });
    },
    generate: (who, body) => {
      const asked = parseGenerateRequest(body);
      if (asked === null) return refuse("parameter-invalid");
      const { tenant, compartments } = asked;
      if (!compartments.every(({ compartment }) => mayHave(who, compartment)))
        return refuse("forbidden");
      const keys = compartments.map((name) => {
        const key = random.bytes(dataKeyBytes);
        return { wrapped: ring.wrap({ tenant, ...name }, key), key: printAndWipe(key) };
      });
      onUse({ action: "generate", who, asked: keys.length, given: keys.length });
      return ok({ keys });
    },
    status: () => ({ kms: ring.kms, kekEpoch: ring.currentEpoch, epochs: ring.epochs, unwraps }),
  };
}

function printAndWipe(key: Buffer): string {
  const text = key.toString("base64url");
  key.fill(0);
  return text;
}

async function serve(
  { peerOf }: KeysServerDeps,
  desk: Desk,
  request: IncomingMessage,
): Promise<Result<Answer>> {
  const who = peerOf(request);
  if (who === null) return refuse("forbidden");
  switch (`${request.method ?? ""} ${request.url ?? ""}`) {
    case "GET /status":
      return ok(desk.status());
    case "POST /unwrap": {
      const body = await readJson(request);
      return body.ok ? desk.unwrap(who, body.value) : body;
    }
    case "POST /generate": {
      const body = await readJson(request);
      return body.ok ? desk.generate(who, body.value) : body;
    }
    default:
      return refuse("not-found");
  }
}

function send(response: ServerResponse, answer: Result<Answer>): void {
  const [status, type, body] = answer.ok
    ? ([200, "application/json", answer.value] as const)
    : failureOf(answer.problem);
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    // What was not read of a refused body must not be taken for the next request.
    ...(answer.ok ? {} : { connection: "close" }),
  });
  response.end(text);
}

function failureOf(found: Problem): readonly [number, string, Record<string, unknown>] {
  const shown = problem(found.code);
  return [meaningOf(found.code).status, "application/problem+json", problemDetails(shown)];
}
