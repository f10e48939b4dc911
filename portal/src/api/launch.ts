import { at, list, readEach, text } from "../fhir/json.ts";
import { createAskJson, type Asking } from "./ask-json.ts";
import type { Outcome } from "./failure.ts";

/** An app that opens from a record. */
export interface LaunchableApp {
  readonly id: string;
  readonly name: string;
}

export interface Launches {
  readonly apps: (signal?: AbortSignal) => Promise<Outcome<readonly LaunchableApp[]>>;
  /** The address to open, good for one launch of this app on this patient's record. */
  readonly launch: (app: string, patient: string) => Promise<Outcome<string>>;
}

function readApp(value: unknown): LaunchableApp | null {
  const id = text(at(value, "id"));
  return id === null ? null : { id, name: text(at(value, "name")) ?? id };
}

const readApps = (body: unknown): readonly LaunchableApp[] | null =>
  Array.isArray(at(body, "items")) ? readEach(list(at(body, "items")), readApp) : null;

/** Only an address of the web is opened, never a script. */
function readUrl(body: unknown): string | null {
  const url = text(at(body, "url"));
  if (url === null || !URL.canParse(url)) return null;
  return ["https:", "http:"].includes(new URL(url).protocol) ? url : null;
}

export function createLaunches(session: Asking): Launches {
  const { get, post } = createAskJson(session);
  return {
    apps: (signal) => get("/api/identity/account/launchable-apps", readApps, signal),
    launch: (app, patient) => post("/api/identity/account/launches", { app, patient }, readUrl),
  };
}
