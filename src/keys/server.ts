import type { IncomingMessage, ServerResponse } from "node:http";
import type { Handler } from "#core/net.ts";
import { meaningOf, problem, problemDetails, refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import { readJson, readPlainJson } from "#keys/body.ts";
import { createDesk, type Desk, type DeskDeps } from "#keys/desk.ts";
import type { KeyCaller } from "#keys/key-use.ts";
import {
  createOperatorDesk,
  type OperatorDesk,
  type OperatorDeskDeps,
} from "#keys/operator-desk.ts";
import { createSignalPost } from "#keys/signal-post.ts";
import { wireLimits } from "#keys/wire.ts";

export interface KeysServerDeps
  extends Omit<DeskDeps, "ring" | "brake" | "takeSignals">, Omit<OperatorDeskDeps, "brake"> {
  readonly brake: DeskDeps["brake"] & OperatorDeskDeps["brake"];
  /** The role that the caller's certificate proves. */
  readonly peerOf: (request: IncomingMessage) => ProcessRole | null;
  readonly hostOf: (request: IncomingMessage) => string;
}

interface Desks {
  readonly desk: Desk;
  readonly operators: OperatorDesk;
}

type Answer = Result<unknown>;

/** What core/key-wire.ts and KeyOperator say; every failure is RFC 9457. */
export function createKeysServer(deps: KeysServerDeps): Handler {
  const { record, take } = createSignalPost(deps.record);
  const desks = {
    desk: createDesk({ ...deps, record, takeSignals: take, ring: () => deps.keeper.current() }),
    operators: createOperatorDesk({ ...deps, record }),
  };
  return (request, response) => {
    const role = deps.peerOf(request);
    const answered =
      role === null
        ? Promise.resolve(refuse("forbidden"))
        : serve(desks, { role, host: deps.hostOf(request) }, request);
    answered.then(
      (answer) => send(response, answer, role),
      () => send(response, refuse("unexpected"), role),
    );
  };
}

async function serve(desks: Desks, caller: KeyCaller, request: IncomingMessage): Promise<Answer> {
  const { desk } = desks;
  switch (`${request.method ?? ""} ${request.url ?? ""}`) {
    case "GET /status":
      return ok(desk.status());
    case "POST /unwrap":
      return withBody(request, (body) => desk.unwrap(caller, body));
    case "POST /generate":
      return withBody(request, (body) => desk.generate(caller, body));
    case "POST /rewrap":
      return withMany(request, (body) => desk.rewrap(caller, body));
    default:
      return caller.role === "operator" ? serveOperator(desks, caller, request) : unknown;
  }
}

const unknown = refuse("not-found");

async function serveOperator(
  { desk, operators }: Desks,
  caller: KeyCaller,
  request: IncomingMessage,
): Promise<Answer> {
  const thenStatus = async (change: Promise<Answer>): Promise<Answer> => {
    const changed = await change;
    return changed.ok ? ok(desk.status()) : changed;
  };
  switch (`${request.method ?? ""} ${request.url ?? ""}`) {
    case "GET /ring":
      return operators.ring(caller);
    case "POST /epochs":
      return withBody(request, () => thenStatus(operators.startEpoch(caller)));
    case "POST /epochs/retire":
      return withBody(request, (body) => thenStatus(operators.retireEpochs(caller, body)));
    case "POST /brake":
      return withBody(request, (body) => thenStatus(operators.liftBrake(caller, body)));
    case "POST /kms":
      return withBody(request, (body) => thenStatus(operators.moveKms(caller, body)));
    case "POST /escrow":
      return withBody(request, (body) => operators.escrow(caller, body));
    default:
      return unknown;
  }
}

async function withBody(
  request: IncomingMessage,
  answer: (body: unknown) => Promise<Answer>,
): Promise<Answer> {
  const body = await readJson(request);
  return body.ok ? answer(body.value) : body;
}

async function withMany(
  request: IncomingMessage,
  answer: (body: unknown) => Promise<Answer>,
): Promise<Answer> {
  const body = await readPlainJson(request, wireLimits.rewrapRequestBytes);
  return body.ok ? answer(body.value) : body;
}

function send(response: ServerResponse, answer: Answer, role: ProcessRole | null): void {
  const [status, type, body] = answer.ok
    ? ([200, "application/json", answer.value] as const)
    : failureOf(answer.problem, role);
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

/** Only an operator reads what exactly went wrong; the others learn the code and the signals. */
function failureOf(
  found: Problem,
  role: ProcessRole | null,
): readonly [number, string, Record<string, unknown>] {
  const shown = role === "operator" ? found : problem(found.code);
  const signals = (found.also ?? []).flatMap(({ at, detail }) => (at === "signal" ? [detail] : []));
  return [
    meaningOf(found.code).status,
    "application/problem+json",
    { ...problemDetails(shown), ...(signals.length === 0 ? {} : { signals }) },
  ];
}
