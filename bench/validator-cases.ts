import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isRecord } from "#core/jws.ts";
import { assess } from "#records/fhir/assess.ts";
import { conformanceOf, type InstalledDefinition } from "#records/fhir/conformance.ts";
import { definitionOf } from "#records/packages/definition.ts";
import { readPackage } from "#records/packages/read-package.ts";

/**
 * How often our verdict is that of the public HL7 validator, over its own test cases: the folder
 * `validator` of the repository FHIR/fhir-test-cases, whose path is the first argument. Counted are
 * the cases in JSON for R4 whose packages are in that folder, but those of formats that carry no
 * resource (CDS Hooks, SMART Health Cards, logical models), of profiles in XML, and of comments in JSON; `--list` names those that differ.
 */

type Json = Readonly<Record<string, unknown>>;

const [folder, ...flags] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("usage: node bench/validator-cases.ts PATH/TO/fhir-test-cases/validator\n");
  process.exit(64);
}

const at = (name: string): string => join(folder, name);
const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

function parsed(name: string): unknown {
  try {
    return JSON.parse(readFileSync(at(name), "utf8"));
  } catch {
    return null;
  }
}

/** Whether the HL7 validator found an error; null when the case does not say. */
function expected(outcome: unknown): boolean | null {
  const told = typeof outcome === "string" ? parsed(join("outcomes", outcome)) : outcome;
  if (!isRecord(told)) return null;
  const inner = isRecord(told["outcome"]) ? told["outcome"] : told;
  if (typeof inner["errorCount"] === "number") return inner["errorCount"] > 0;
  if (inner["resourceType"] !== "OperationOutcome") return null;
  const issues = Array.isArray(inner["issue"]) ? inner["issue"] : [];
  return issues.some(
    (issue: unknown) =>
      isRecord(issue) && (issue["severity"] === "error" || issue["severity"] === "fatal"),
  );
}

function definitionsIn(names: readonly string[]): readonly InstalledDefinition[] {
  return names.flatMap((name) => {
    const value = parsed(name);
    if (!isRecord(value)) return [];
    const inner = value["resourceType"] === "Bundle" ? value["entry"] : null;
    const resources: readonly unknown[] = Array.isArray(inner)
      ? inner.map((entry: unknown) => (isRecord(entry) ? entry["resource"] : null))
      : [value];
    return resources.flatMap((each) => {
      const definition = isRecord(each) ? definitionOf(each) : null;
      return definition === null ? [] : [definition];
    });
  });
}

/** Null when a package is not in the folder. */
async function packagesOf(
  names: readonly string[],
): Promise<readonly InstalledDefinition[] | null> {
  const found: InstalledDefinition[] = [];
  for (const name of names) {
    if (!name.endsWith(".tgz") || !existsSync(at(name))) return null;
    const read = await readPackage(readFileSync(at(name)));
    if (read.ok) found.push(...read.value.definitions);
  }
  return found;
}

interface Case {
  readonly name: string;
  readonly module: string;
  readonly wanted: boolean;
  readonly told: readonly string[];
}

const otherFormats = new Set(["cdshooks", "shc", "logical"]);

async function judge(test: Json, profile: Json | null): Promise<Case | null> {
  const wanted = expected((profile ?? test)["java"]);
  const file = String(test["file"] ?? test["name"]);
  if (wanted === null || !existsSync(at(file))) return null;
  const source = profile === null ? [] : [String(profile["source"])];
  // Profiles in XML cannot be read, and modules of other formats hold no resource.
  if (source.some((name) => !name.endsWith(".json")) || otherFormats.has(String(test["module"])))
    return null;
  if (test["allow-comments"] === true) return null;
  const packages = await packagesOf([
    ...strings(test["packages"]),
    ...strings(profile?.["packages"]),
  ]);
  if (packages === null) return null;
  const supporting = [test, profile].flatMap((each) => [
    ...strings(each?.["supporting"]),
    ...strings(each?.["profiles"]),
  ]);
  const own = definitionsIn([...supporting, ...source]);
  const named =
    profile === null
      ? []
      : source.map((name) => {
          const value = parsed(name);
          return isRecord(value) && typeof value["url"] === "string" ? value["url"] : name;
        });
  const assessed = assess(readFileSync(at(file), "utf8"), {
    conformance: conformanceOf([...packages, ...own]),
    profiles: named,
  });
  const told = assessed.ok
    ? assessed.value
        .filter(({ severity }) => severity === "error")
        .map((issue) => `${issue.at}: ${issue.detail}`)
    : [`${assessed.problem.code} ${assessed.problem.detail ?? ""}`];
  const suffix = profile === null ? "" : " by its profile";
  return { name: `${String(test["name"])}${suffix}`, module: String(test["module"]), wanted, told };
}

const manifest = parsed("manifest.json");
const tests =
  isRecord(manifest) && Array.isArray(manifest["test-cases"]) ? manifest["test-cases"] : [];
const cases: Case[] = [];
let left = 0;
for (const test of tests as readonly unknown[]) {
  if (!isRecord(test) || test["use-test"] === false) continue;
  const isOurs =
    String(test["version"]).startsWith("4.0") &&
    String(test["file"] ?? test["name"]).endsWith(".json");
  if (!isOurs) continue;
  const profile = isRecord(test["profile"]) ? test["profile"] : null;
  for (const which of profile === null ? [null] : [null, profile]) {
    const judged = await judge(test, which);
    if (judged === null) left += 1;
    else cases.push(judged);
  }
}

const wrong = cases.filter(({ wanted }) => wanted);
const right = cases.filter(({ wanted }) => !wanted);
const caught = wrong.filter(({ told }) => told.length > 0);
const alarms = right.filter(({ told }) => told.length > 0);
const share = (part: number, whole: number): string =>
  `${part} of ${whole}, ${((100 * part) / whole).toFixed(1)} %`;
if (flags.includes("--list")) {
  for (const { name, module } of wrong.filter(({ told }) => told.length === 0))
    process.stdout.write(`missed  ${module}  ${name}\n`);
  for (const { name, module, told } of alarms)
    process.stdout.write(`alarm   ${module}  ${name}\n  ${told.slice(0, 3).join("\n  ")}\n`);
}
process.stdout.write(`errors caught: ${share(caught.length, wrong.length)}\n`);
process.stdout.write(`false alarms:  ${share(alarms.length, right.length)}\n`);
process.stdout.write(`left aside: ${left}\n`);
