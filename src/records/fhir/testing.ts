import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Resource } from "@medplum/fhirtypes";
import type { ParsedResource } from "#records/fhir/parse.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { rewriteReferences } from "#records/fhir/references.ts";

/** What the tests of this part share: vectors, and the synthetic patients where they are at hand. */

const root = join(import.meta.dirname, "../../..");

/** What a vector may say; each file uses some of it. */
export interface Vector {
  readonly name: string;
  readonly resource?: Readonly<Record<string, unknown>>;
  readonly text?: string;
  readonly code?: string;
  readonly at?: string;
  readonly xhtml?: string;
  readonly allowed?: boolean;
  readonly owner?: "organisation" | "unclear" | { readonly patient: string };
  readonly found?: readonly string[];
  readonly missed?: readonly string[];
}

/** One file of testdata/fhir-r4; throws when there is nothing in it. */
export function vectors(file: string): readonly Vector[] {
  const path = join(root, "testdata/fhir-r4", `${file}.json`);
  const found = JSON.parse(readFileSync(path, "utf8")) as readonly Vector[];
  if (found.length === 0) throw new Error(`${file}.json holds no vectors`);
  return found;
}

/** The processor time that work takes, in ms: a busy machine does not add to it. */
export function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** A resource that the test knows to be right. */
export function parsedOf(resource: object | string): ParsedResource {
  const text = typeof resource === "string" ? resource : JSON.stringify(resource);
  const parsed = parseResource(text, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  return parsed.value;
}

export const resourceOf = (resource: object): Resource => parsedOf(resource).value;

/** `undefined` when the folder is there, else why a test that needs it is skipped. */
export function sharedData(environment: NodeJS.ProcessEnv): { folder: string; skip?: string } {
  const folder = join(environment.PHYLAX_SHARED ?? join(root, "../shared"), "data/synthea");
  return existsSync(folder) ? { folder } : { folder, skip: "skipped: no shared data" };
}

interface SentBundle {
  readonly entry: readonly {
    readonly fullUrl: string;
    readonly resource: { readonly resourceType: string; readonly id: string };
  }[];
}

/** Every resource of the folder as text, its references made literal. */
export function* syntheticTexts(folder: string): Generator<string> {
  for (const file of readdirSync(folder).sort()) {
    const bundle = JSON.parse(readFileSync(join(folder, file), "utf8")) as SentBundle;
    const names = new Map(
      bundle.entry.map(({ fullUrl, resource }) => [
        fullUrl,
        `${resource.resourceType}/${resource.id}`,
      ]),
    );
    for (const { resource } of bundle.entry)
      yield rewriteReferences(JSON.stringify(resource), (text) => names.get(text) ?? null);
  }
}
