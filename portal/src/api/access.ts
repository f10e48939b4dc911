import type {
  AccessRequestAct,
  AccessRequestAsked,
  AccessRequestLine,
  CopyMade,
} from "../../../src/core/wire.ts";
import { readCopy, readRequest, readRequests } from "../access/read.ts";
import type { Session } from "../session/session.ts";
import { done, fail, failureOfThrown, problemFailure, type Outcome } from "./failure.ts";

/** What a person does about her right of access, and the officer who answers. */
export interface Access {
  makeCopy(patient: string, form: CopyMade["form"]): Promise<Outcome<CopyMade>>;
  /** All of a copy's bytes; goes on where the connection broke. `told` hears how many have come. */
  fetchCopy(copy: CopyMade, told: (bytes: number) => void): Promise<Outcome<Blob>>;
  /** One person's requests; the register where `patient` is null. */
  requests(
    patient: string | null,
    signal?: AbortSignal,
  ): Promise<Outcome<readonly AccessRequestLine[]>>;
  ask(asked: AccessRequestAsked): Promise<Outcome<AccessRequestLine>>;
  act(id: string, act: AccessRequestAct): Promise<Outcome<AccessRequestLine>>;
}

const requestsPath = "/api/records/access-requests";
const copiesPath = "/api/records/exports";
/** Breaks without a byte between them, after which it is given up. */
const breaksInARow = 3;

async function parsed<T>(
  answer: Outcome<Response>,
  read: (body: unknown) => T | null,
): Promise<Outcome<T>> {
  if (!answer.ok) return answer;
  const value = read(await answer.value.json().catch(() => null));
  return value === null ? fail(problemFailure("unexpected")) : done(value);
}

/** What arrives of one answer, until it ends or breaks. */
async function take(
  answer: Response,
  parts: Uint8Array<ArrayBuffer>[],
  told: (bytes: number) => void,
): Promise<unknown> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return null;
  try {
    for (;;) {
      const { done: isDone, value } = await reader.read();
      if (isDone) return null;
      parts.push(value);
      told(value.length);
    }
  } catch (error) {
    return error;
  }
}

export function createAccess({ get, post }: Pick<Session, "get" | "post">): Access {
  const fetchCopy: Access["fetchCopy"] = async (copy, told) => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let here = 0;
    for (let broken = 0; ;) {
      const before = here;
      const answer = await get(`${copiesPath}/${copy.id}`, { accept: "*/*", fromByte: here });
      // A connection lost before its first byte is a break as any other.
      if (!answer.ok && answer.failure.kind !== "offline") return answer;
      // A whole answer to a part that was asked for begins anew.
      if (answer.ok && answer.value.status !== 206) {
        parts.length = 0;
        here = 0;
      }
      const hear = (bytes: number): void => {
        here += bytes;
        told(here);
      };
      const error = answer.ok ? await take(answer.value, parts, hear) : null;
      if (here >= copy.bytes) break;
      broken = here > before ? 0 : broken + 1;
      if (broken >= breaksInARow) return answer.ok ? fail(failureOfThrown(error)) : answer;
    }
    const type = answerType[copy.form];
    return done(new Blob(parts, { type }));
  };
  return {
    fetchCopy,
    makeCopy: async (patient, form) => parsed(await post(copiesPath, { patient, form }), readCopy),
    requests: async (patient, signal) => {
      const query = patient === null ? "" : `?${new URLSearchParams({ patient }).toString()}`;
      const how = signal === undefined ? {} : { signal };
      return parsed(await get(requestsPath + query, how), readRequests);
    },
    ask: async (asked) => parsed(await post(requestsPath, asked), readRequest),
    act: async (id, act) => parsed(await post(`${requestsPath}/${id}`, act), readRequest),
  };
}

const answerType: Readonly<Record<CopyMade["form"], string>> = {
  fhir: "application/fhir+json",
  ndjson: "application/fhir+ndjson",
  "web-page": "text/html",
  pdf: "application/pdf",
};
