import { parseResourceType, type ResourceId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { openCursor, sealCursor, type CursorPlace } from "#records/cursor.ts";
import { parseEverything, type EverythingQuery } from "#records/everything/everything-query.ts";
import type { Listed } from "#records/everything/listing-store.ts";
import type { Visit } from "#records/visit.ts";
import type { WriteDeps } from "#records/write-prepare.ts";

type PageDeps = Pick<WriteDeps, "vault" | "tenant" | "publicOrigin">;

const cursorParameter = "_cursor";
/** No FHIR type, so that a search's cursor is none of these. */
const cursorType = parseResourceType("PatientEverything");

function placeOf({ at, caller }: Visit, { tenant }: PageDeps): CursorPlace {
  invariant(cursorType !== null, "a cursor has a type");
  return { at, type: cursorType, account: caller.live.account, tenant };
}

/** What is asked for, and after which resource a page goes on; null on the first. */
export interface Understood {
  readonly query: EverythingQuery;
  /** As it was asked, form-encoded. */
  readonly asked: string;
  readonly after: string | null;
}

const nameOf = ({ type, id }: Listed): string => `${type}/${id}`;

/** Reads parameters, or the cursor of a page before, which goes on with this very patient. */
export async function understandPage(
  deps: PageDeps,
  visit: Visit,
  { patient, query }: { readonly patient: ResourceId; readonly query: URLSearchParams },
): Promise<Result<Understood>> {
  const sealed = query.get(cursorParameter);
  if (sealed === null) {
    const parsed = parseEverything(query);
    return parsed.ok ? ok({ query: parsed.value, asked: query.toString(), after: null }) : parsed;
  }
  if (query.size > 1)
    return refuse("parameter-invalid", { at: cursorParameter, detail: "stands alone" });
  const cursor = await openCursor(sealed, placeOf(visit, deps), deps.vault);
  if (!cursor.ok) return cursor;
  const { key, id } = cursor.value.after;
  if (key !== patient)
    return refuse("parameter-invalid", { at: cursorParameter, detail: "is of another record" });
  const parsed = parseEverything(new URLSearchParams(cursor.value.query));
  return parsed.ok ? ok({ query: parsed.value, asked: cursor.value.query, after: id }) : parsed;
}

export interface Page {
  readonly listed: readonly Listed[];
  readonly links: { readonly self: string; readonly next?: string };
}

/** The part of a listing that one answer shows, and the address of the next. */
export async function pageOf(
  deps: PageDeps,
  visit: Visit,
  {
    patient,
    listed,
    understood,
  }: {
    readonly patient: ResourceId;
    readonly listed: readonly Listed[];
    readonly understood: Understood;
  },
): Promise<Result<Page>> {
  const { query, asked, after } = understood;
  const base = `${deps.publicOrigin}/fhir/Patient/${patient}/$everything`;
  const self = asked === "" ? base : `${base}?${asked}`;
  // What the page before ended with may be gone by now: go on behind the place where it stood.
  const rest = after === null ? listed : listed.slice(placeAfter(listed, after));
  const { count } = query;
  const page = count === null ? rest : rest.slice(0, count);
  const last = page.at(-1);
  if (last === undefined || page.length === rest.length)
    return ok({ listed: page, links: { self } });
  const position = { key: patient, id: nameOf(last) };
  const sealed = await sealCursor(
    { query: asked, after: position },
    placeOf(visit, deps),
    deps.vault,
  );
  if (!sealed.ok) return sealed;
  const next = `${base}?${cursorParameter}=${sealed.value}`;
  return ok({ listed: page, links: { self, next } });
}

/** The listing's own order: the Patient first, then by type and id. */
function isBehind(name: string, after: string): boolean {
  const [isFirst, wasFirst] = [name, after].map((each) => each.startsWith("Patient/"));
  if (isFirst !== wasFirst) return wasFirst === true;
  const [[type = "", id = ""], [lastType = "", lastId = ""]] = [name.split("/"), after.split("/")];
  return type === lastType ? id > lastId : type > lastType;
}

function placeAfter(listed: readonly Listed[], after: string): number {
  const at = listed.findIndex((each) => isBehind(nameOf(each), after));
  return at === -1 ? listed.length : at;
}
