import { Client } from "fhir-kit-client";
import { headersFor, openSession } from "./session.mjs";

// Usage: node weights.mjs ORIGIN
// Finds a patient, notes her weight, and reads back every weight there is.
const [origin] = process.argv.slice(2);
const session = await openSession();

const client = new Client({
  baseUrl: `${origin}/fhir`,
  requestSigner: async (url, request) => {
    const headers = await headersFor(session, request.method, url);
    for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  },
});

const patients = await client.resourceSearch({
  resourceType: "Patient",
  searchParams: { _count: 1 },
});
const patient = patients.entry[0].resource;

const created = await client.create({
  resourceType: "Observation",
  body: {
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ system: "http://loinc.org", code: "29463-7" }] },
    subject: { reference: `Patient/${patient.id}` },
    effectiveDateTime: new Date().toISOString(),
    valueQuantity: { value: 70.5, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
  },
});
console.log(`Noted as Observation/${created.id}`);

let page = await client.resourceSearch({
  resourceType: "Observation",
  searchParams: { patient: patient.id, code: "http://loinc.org|29463-7", _sort: "-date" },
});
while (page !== undefined) {
  for (const { resource } of page.entry ?? [])
    console.log(resource.effectiveDateTime, resource.valueQuantity?.value, "kg");
  page = await client.nextPage({ bundle: page });
}
