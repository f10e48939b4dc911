import type { IncomingMessage, ServerResponse } from "node:http";
import { at, text } from "../src/fhir/json.ts";
import { madeUpInvitation } from "./account.ts";
import { bodyOf, send } from "./records.ts";

const dayMs = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * dayMs).toISOString();

const person = (id: string, displayName: string, more: object) => ({
  id,
  displayName,
  kind: "person",
  roles: ["patient"],
  departments: [],
  assurance: "none",
  status: "active",
  createdAt: ago(100),
  actsFor: [],
  actedForBy: [],
  isEnrolled: false,
  ...more,
});

const grant = { id: "g", name: "Lia Ruiz", kind: "parent", startsAt: ago(90), endsAt: ago(-900) };

const people = [
  person("ana", "Ana Ruiz", { roles: ["patient", "proxy"], assurance: "IAL2", actsFor: [grant] }),
  person("lee", "Dr. Lee", { roles: ["clinician"], departments: ["Lab", "Front desk"] }),
  person("sam", "Sam Sands", { roles: ["clinician"], status: "suspended" }),
  person("old", "Olga Old", { roles: ["clinician"], status: "left" }),
  person("key", "Emergency 1", { roles: ["clinician"], kind: "break-glass", status: "sealed" }),
];

const app = (id: string, name: string, more: object) => ({
  id,
  name,
  kind: "public",
  binding: "dpop",
  status: "approved",
  redirectUris: [`https://${id}.example/callback`],
  scopes: ["launch/patient", "patient/Observation.rs"],
  registeredAt: ago(30),
  ...more,
});

const apps = [
  app("diary", "Heart Diary", {}),
  app("new", "Sleep Log", { status: "pending", binding: "bearer" }),
  app("lab", "Lab bridge", { kind: "backend", redirectUris: [], scopes: ["system/*.rs"] }),
];

/** Answers the administration pages with a made-up clinic's people and apps. */
export async function administration(
  { url, request }: { readonly url: URL; readonly request: IncomingMessage },
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  const [list = "", id = "", act = ""] = url.pathname.split("/").slice(4);
  const one = people.find((each) => each.id === id) ?? people[0];
  const name = (text(at(body, "name")) ?? "").toLowerCase();
  if (list === "apps")
    return send(response, 200, request.method === "GET" ? { items: apps } : apps[0]);
  if (id === "search") {
    const items = people.filter((each) => each.displayName.toLowerCase().includes(name));
    return send(response, 200, { items, next: null });
  }
  if (act === "recovery")
    return send(response, 201, {
      recoveryPath: `/recovery#token=${"s".repeat(43)}`,
      readyAt: ago(-1),
    });
  if (act === "invitation" || act === "seal" || (id === "" && request.method === "POST")) {
    const wanted = text(at(body, "displayName")) ?? one?.displayName ?? "";
    const made = { ...madeUpInvitation(wanted), id: "made" };
    const isSealed = act === "seal" || at(body, "kind") === "break-glass";
    return send(response, 201, isSealed ? { ...made, enrolPath: null } : made);
  }
  return send(response, 200, one);
}
