import type { AccessLogLine } from "../../../src/core/wire.ts";
import type { Slice } from "../app/pages.ts";
import { readPage } from "../fhir/bundle.ts";
import { readEach } from "../fhir/json.ts";
import { readAccessLog } from "../log/access-page.ts";
import type { Session } from "../session/session.ts";
import { done, fail, problemFailure, type Outcome } from "./failure.ts";

/** The only way from pages to the record: every answer is parsed here. */
export interface Records {
  /** One page of a search, each resource read by `read`; what it cannot read is left out. */
  search<T>(
    path: string,
    read: (resource: unknown) => T | null,
    signal?: AbortSignal,
  ): Promise<Outcome<Slice<T>>>;
  resource(path: string, signal?: AbortSignal): Promise<Outcome<unknown>>;
  readonly accessLog: (
    path: string,
    signal?: AbortSignal,
  ) => Promise<Outcome<Slice<AccessLogLine>>>;
  /** The signed checkpoint, as text. */
  checkpoint(signal?: AbortSignal): Promise<Outcome<string>>;
}

const fhirJson = "application/fhir+json";
const logPath = "/api/records/access-log";

export function createRecords(get: Session["get"], origin: string): Records {
  const json = async (
    path: string,
    accept: string,
    signal?: AbortSignal,
  ): Promise<Outcome<unknown>> => {
    const answer = await get(path, signal === undefined ? { accept } : { accept, signal });
    if (!answer.ok) return answer;
    const body: unknown = await answer.value.json().catch(() => undefined);
    return body === undefined ? fail(problemFailure("unexpected")) : done(body);
  };
  return {
    search: async (path, read, signal) => {
      const answer = await json(path, fhirJson, signal);
      if (!answer.ok) return answer;
      const { resources, next } = readPage(answer.value, origin);
      return done({ items: readEach(resources, read), next });
    },
    resource: (path, signal) => json(path, fhirJson, signal),
    accessLog: async (path, signal) => {
      const answer = await json(path, "application/json", signal);
      if (!answer.ok) return answer;
      const { lines, cursor } = readAccessLog(answer.value);
      const next = cursor === null ? null : withCursor(path, cursor);
      return done({ items: lines, next });
    },
    checkpoint: async (signal) => {
      const accept = "*/*";
      const answer = await get(
        "/api/records/log",
        signal === undefined ? { accept } : { accept, signal },
      );
      return answer.ok ? done(await answer.value.text()) : answer;
    },
  };
}

/** Path of the first page of who looked at this patient's record. */
export function accessLogPath(patient: string): string {
  return `${logPath}?${new URLSearchParams({ patient }).toString()}`;
}

function withCursor(path: string, before: string): string {
  const query = new URLSearchParams(path.slice(path.indexOf("?") + 1));
  query.set("before", before);
  return `${logPath}?${query.toString()}`;
}
