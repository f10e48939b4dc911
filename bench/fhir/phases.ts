import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes, randomUUID } from "node:crypto";
import { Client } from "pg";
import { parseTenantId } from "#core/ids.ts";
import { openDatabase } from "#storage/database.ts";
import { noSharedData, synthea } from "../../test/support/shared-data.ts";
import { load, loadCalls, type Reached } from "../load.ts";
import { parsed } from "../support.ts";
import type { Panelist, Settled } from "./settle.ts";
import type { Asking, BenchWorld } from "./world.ts";

const clients = 16;
const seconds = 5;
/** The compiler takes its time over the first of a kind; afterwards a process goes on for months. */
const warmUpSeconds = 8;
/** Made ahead, as each device makes its own; a proof is good for a minute. */
const proofsAhead = 60_000;

const one = <T>(of: readonly T[]): T => {
  const found = of[Math.floor(Math.random() * of.length)];
  if (found === undefined) throw new Error("there is nothing to choose from");
  return found;
};

async function phase(
  world: BenchWorld,
  asking: () => Asking,
  ahead = proofsAhead,
): Promise<Reached> {
  const sign = await world.sign();
  const made = Array.from({ length: ahead }, () => sign(asking()));
  const next = (): Buffer => made.pop() ?? sign(asking());
  return load({ clients, seconds, warmUpSeconds, open: world.open, next });
}

const get = (path: string): Asking => ({ method: "GET", path });

/** Any resource of any patient in care. */
export function reading(world: BenchWorld, { panel }: Settled): Promise<Reached> {
  return phase(world, () => get(one(one(panel).paths)));
}

/** By family and given name, as staff look up who stands before them. */
export function patientByName(world: BenchWorld, { panel }: Settled): Promise<Reached> {
  return phase(world, () => get(`/fhir/Patient?${one(panel).named}`));
}

export function observationByCode(world: BenchWorld, { panel }: Settled): Promise<Reached> {
  const observed = panel.filter(({ codes }) => codes.length > 0);
  return phase(world, () => {
    const { patient, codes } = one(observed);
    return get(`/fhir/Observation?patient=${patient}&code=${encodeURIComponent(one(codes))}`);
  });
}

const observation = ({ patient }: Panelist): string =>
  JSON.stringify({
    resourceType: "Observation",
    status: "final",
    category: [
      {
        coding: [
          {
            system: "http://terminology.hl7.org/CodeSystem/observation-category",
            code: "vital-signs",
          },
        ],
      },
    ],
    code: { coding: [{ system: "http://loinc.org", code: "8867-4", display: "Heart rate" }] },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: "2026-09-30T08:15:00Z",
    valueQuantity: {
      value: 60 + Math.floor(Math.random() * 40),
      unit: "beats/minute",
      system: "http://unitsofmeasure.org",
      code: "/min",
    },
  });

export function creating(world: BenchWorld, { panel }: Settled): Promise<Reached> {
  const asking = (): Asking => ({
    method: "POST",
    path: "/fhir/Observation",
    body: observation(one(panel)),
  });
  return phase(world, asking, proofsAhead / 2);
}

interface Entry {
  readonly fullUrl: string;
  readonly resource: { readonly resourceType: string };
  readonly request: object;
}

const transactionEntries = 467;
const syntheaOfThatSize = "Parker_Casper_6d0c6969-6843-47e1-9921-d9bf11b1df31.json";
/** What belongs to the organisation, or is there already, is left to whoever may write it. */
const notHers = new Set(["Patient", "Organization", "Practitioner"]);

/** A Synthea patient's whole record, or as many Observations, for a patient who is there already. */
function transactionOf(panelist: Panelist): string {
  const patient = `Patient/${panelist.patient}`;
  const filler = (): Entry => ({
    fullUrl: `urn:uuid:${randomUUID()}`,
    resource: JSON.parse(observation(panelist)) as Entry["resource"],
    request: { method: "POST", url: "Observation" },
  });
  const text = noSharedData === false ? readFileSync(join(synthea, syntheaOfThatSize), "utf8") : "";
  const all = text === "" ? [] : (JSON.parse(text) as { entry: readonly Entry[] }).entry;
  const literal = new Map(
    all
      .filter(({ resource }) => notHers.has(resource.resourceType))
      .map(({ fullUrl, resource: { resourceType } }) => [
        fullUrl,
        resourceType === "Patient" ? patient : `${resourceType}/elsewhere`,
      ]),
  );
  const hers = all.filter(({ resource }) => !notHers.has(resource.resourceType));
  const fill = Array.from({ length: transactionEntries - hers.length }, filler);
  const bundle = JSON.stringify({
    resourceType: "Bundle",
    type: "transaction",
    entry: [...hers, ...fill],
  });
  return bundle.replaceAll(/"(urn:uuid:[^"]+)"/g, (whole, url: string) => {
    const known = literal.get(url);
    return known === undefined ? whole : JSON.stringify(known);
  });
}

/** One client, one transaction after the other. */
export async function transactions(world: BenchWorld, { panel }: Settled): Promise<Reached> {
  const sign = await world.sign();
  const next = (): Buffer =>
    sign({ method: "POST", path: "/fhir", body: transactionOf(one(panel)) });
  return load({ clients: 1, seconds, warmUpSeconds, open: world.open, next });
}

/** What PostgreSQL does alone, by the driver and as many clients, with nothing around it. */
export async function barePg({
  ready,
}: BenchWorld): Promise<{ readonly select: Reached; readonly insert: Reached }> {
  const tenant = parsed(parseTenantId, ready.tenant);
  const db = openDatabase({ connection: ready.connection, tenant, maxConnections: clients });
  const admin = new Client(ready.admin);
  await admin.connect();
  await admin.query("CREATE TABLE IF NOT EXISTS public.bench (id uuid PRIMARY KEY, body bytea)");
  await admin.query("GRANT INSERT ON public.bench TO PUBLIC");
  await admin.query("GRANT USAGE ON SCHEMA public TO PUBLIC");
  const ids = await db.query<{ id: string }>(
    "SELECT id FROM records.resource WHERE type = 'Observation' LIMIT 10000",
  );
  const span = { clients, seconds: 3 };
  const text =
    "SELECT version, sealed FROM records.resource WHERE type = 'Observation' AND id = $1";
  const body = randomBytes(1_024);
  try {
    const select = await loadCalls(span, async () => {
      await db.query({ name: "bench-select", text, values: [one(ids).id] });
    });
    const insert = await loadCalls(span, async () => {
      await db.query({
        name: "bench-insert",
        text: "INSERT INTO public.bench VALUES ($1, $2)",
        values: [randomUUID(), body],
      });
    });
    return { select, insert };
  } finally {
    await admin.end();
    await db.close();
  }
}
