import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuditAction } from "#core/audit-entry.ts";
import { parseClientFacts } from "#core/client-facts.ts";
import type { Handler } from "#core/net.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { failed, unreachable, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import type { AnonymousDenials } from "#records/anonymous-denials.ts";
import type { Door, StreamedInteraction } from "#records/door.ts";
import { acceptsJson, problemAnswer, send, type Answer } from "#records/http.ts";
import { placeOf, type Place } from "#records/router.ts";
import { touch, type Touch } from "#records/visit.ts";

/** What is done at one place by one method. */
export type Deed =
  /** For anyone; holds nothing of anyone. */
  | { readonly kind: "public"; readonly answer: () => Promise<Result<Answer>> | Result<Answer> }
  /** For an operator's command on this deployment, which proved itself by its certificate. */
  | {
      readonly kind: "operator";
      readonly action: AuditAction;
      readonly answer: () => Promise<Result<Answer>>;
    }
  /** For a person, through the door. */
  | {
      readonly kind: "guarded";
      readonly action: AuditAction;
      readonly interaction: StreamedInteraction;
      /** It answers in other kinds than JSON and looks itself at what the caller takes. */
      readonly anyKind?: true;
    };

export interface Asked {
  readonly request: IncomingMessage;
  readonly place: Place;
  /** GET for HEAD, too. */
  readonly method: string;
  readonly query: URLSearchParams;
}

export interface ServerDeps {
  readonly door: Door;
  readonly denials: Pick<AnonymousDenials, "note">;
  /** The role that the caller's certificate proves. */
  readonly peerOf: (request: IncomingMessage) => ProcessRole | null;
  /** Null when nothing is done at this place by this method. */
  readonly deedOf: (asked: Asked) => Deed | null;
  /** Told of a fault of the program; the caller learns only that there was one. */
  readonly onFault: (fault: Fault) => void;
}

/** A fault fit for an operational log: without the error's message, which may quote data. */
export interface Fault {
  readonly name: string;
  /** Of the driver or of Node; null when there is none. */
  readonly code: string | null;
  /** Innermost frames of the stack. */
  readonly where: string;
}

const framesShown = 6;

export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { name: typeof error, code: null, where: "" };
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  const where = frames.slice(0, framesShown).map((line) => line.trim());
  return { name: error.name, code, where: where.join(" ") };
}

function intentOf(action: AuditAction, place: Place): Touch {
  const type = "type" in place ? place.type : null;
  const id = "id" in place ? place.id : null;
  return touch({ action, compartment: null, type, id });
}

function pathAndQuery(url: string): readonly [string, string] {
  const at = url.indexOf("?");
  return at === -1 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

/** Answers requests from the gateway, and the operator's. */
export function createServerHandler(deps: ServerDeps): Handler {
  const { door, denials, peerOf, deedOf, onFault } = deps;
  const perform = async (request: IncomingMessage): Promise<Result<Answer>> => {
    const [path, search] = pathAndQuery(request.url ?? "/");
    const place = placeOf(path);
    if (place === null) return refuse("not-found");
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const deed = deedOf({ request, place, method, query: new URLSearchParams(search) });
    if (deed === null) return refuse("method-not-allowed");
    const role = peerOf(request);
    const wanted: ProcessRole = deed.kind === "operator" ? "operator" : "gateway";
    if (role !== wanted) {
      const facts = role === "gateway" ? parseClientFacts(request.headers) : null;
      denials.note(deed.kind === "public" ? "read" : deed.action, "forbidden", facts);
      return refuse("forbidden");
    }
    if (deed.kind === "guarded" && deed.anyKind !== true && !acceptsJson(request))
      return refuse("not-acceptable", { at: "Accept" });
    switch (deed.kind) {
      case "public":
      case "operator":
        return deed.answer();
      case "guarded": {
        const intent = intentOf(deed.action, place);
        return door.pass(request, { path, intent }, deed.interaction);
      }
      default:
        return unreachable(deed);
    }
  };

  const onProblem = (found: Problem, request: IncomingMessage): Answer =>
    problemAnswer(found, (request.url ?? "").startsWith("/fhir"));

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answered = await perform(request).catch((error: unknown) => {
      onFault(faultOf(error));
      return failed(problem("unexpected"));
    });
    const answer = answered.ok ? answered.value : onProblem(answered.problem, request);
    await send(request, response, answer).catch((error: unknown) => {
      onFault(faultOf(error));
      response.destroy();
    });
  };

  return (request, response) => void respond(request, response);
}
