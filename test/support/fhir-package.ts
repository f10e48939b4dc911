import { list } from "tar";

/** A FHIR package (a gzipped tar of JSON files), read whole: path inside it → resource. */
export type FhirPackage = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

const resourceFile = /^package\/(?:example\/)?[^/]+\.json$/;
const notResources = new Set(["package/package.json", "package/.index.json"]);

/** Reads every resource of a package, its examples too. Throws when the file is none. */
export async function readFhirPackage(file: string): Promise<FhirPackage> {
  const texts = new Map<string, Buffer[]>();
  await list({
    file,
    onReadEntry: (entry) => {
      if (!resourceFile.test(entry.path) || notResources.has(entry.path)) return;
      const parts: Buffer[] = [];
      texts.set(entry.path, parts);
      entry.on("data", (part: Buffer) => parts.push(part));
    },
  });
  const resources = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [path, parts] of texts) {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
    if (isResource(value)) resources.set(path, value);
  }
  return resources;
}

function isResource(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && "resourceType" in value;
}
