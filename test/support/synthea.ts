import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { synthea } from "./shared-data.ts";

interface Entry {
  readonly fullUrl: string;
  readonly resource: Readonly<Record<string, unknown>> & {
    readonly resourceType: string;
    readonly id: string;
  };
}

const bundleText = (file: string): string => readFileSync(join(synthea, file), "utf8");

/** The resources of a transaction, what they say of each other made literal by their own ids. */
function resourcesIn(text: string): readonly Entry["resource"][] {
  const entries = (JSON.parse(text) as { entry: readonly Entry[] }).entry;
  const literal = new Map(
    entries.map(({ fullUrl, resource }) => [fullUrl, `${resource.resourceType}/${resource.id}`]),
  );
  const linked = text.replaceAll(
    /"reference":"(urn:uuid:[^"]+)"/g,
    (whole, url: string) => `"reference":${JSON.stringify(literal.get(url) ?? whole)}`,
  );
  return (JSON.parse(linked) as { entry: readonly Entry[] }).entry.map(({ resource }) => resource);
}

/** Names of the patients' files, the smallest first. */
export function syntheaFiles(): readonly string[] {
  return readdirSync(synthea)
    .filter((file) => !file.startsWith("_"))
    .map((file) => ({ file, size: statSync(join(synthea, file)).size }))
    .sort((a, b) => a.size - b.size)
    .map(({ file }) => file);
}

/** Text of the Bundles that hold what the patients' refer to: organisations, practitioners. */
export function syntheaProviders(): readonly string[] {
  return readdirSync(synthea)
    .filter((file) => file.startsWith("_"))
    .map(bundleText);
}

/** The text of one patient's transaction Bundle. */
export const syntheaBundle = bundleText;

/** Resources of as many patients, the smallest records first, each Patient ahead of hers. */
export function syntheaPatients(count: number): readonly Entry["resource"][] {
  return syntheaFiles()
    .slice(0, count)
    .flatMap((file) => resourcesIn(bundleText(file)));
}
