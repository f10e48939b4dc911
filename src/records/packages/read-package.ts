import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Parser } from "tar";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { InstalledDefinition } from "#records/fhir/conformance.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { definitionOf } from "#records/packages/definition.ts";

/** A FHIR package (the npm form that HL7's registries use), as much of it as a program needs. */
export interface FhirPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the archive as it was handed in. */
  readonly sha256: Buffer;
  readonly definitions: readonly InstalledDefinition[];
}

export const packageLimits = {
  archiveBytes: 32 * 1024 * 1024,
  /** Unpacked: a small archive can hold any amount of the same byte. */
  unpackedBytes: 256 * 1024 * 1024,
  files: 20_000,
  fileBytes: 16 * 1024 * 1024,
  definitions: 5_000,
  /** Of all definitions that are kept, and held in memory. */
  definitionBytes: 64 * 1024 * 1024,
} as const;

const unzip = promisify(gunzip);

const notPackage = (detail: string): Result<never> => refuse("package-refused", { detail });

/** Definitions stand in `package` itself; its folders hold examples and what publishers need. */
const definitionPath = /^package\/([^/]+\.json)$/;

/** The JSON files of the package's own folder, by name; null when the archive is broken or too large. */
function filesOf(archive: Buffer): ReadonlyMap<string, Buffer> | null {
  const files = new Map<string, Buffer>();
  let seen = 0;
  let broken = false;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      seen += 1;
      const name = definitionPath.exec(entry.path)?.[1];
      const { size } = entry;
      if (seen > packageLimits.files || size > packageLimits.fileBytes) broken = true;
      if (broken || name === undefined || entry.type !== "File") {
        entry.resume();
        return;
      }
      const chunks: Buffer[] = [];
      entry.on("data", (chunk: Buffer) => chunks.push(chunk));
      entry.on("end", () => files.set(name, Buffer.concat(chunks)));
    },
  });
  parser.on("error", () => {
    broken = true;
  });
  parser.end(archive);
  return broken ? null : files;
}

function parsedOf(file: Buffer | undefined): JsonObject | null {
  try {
    const value: unknown = JSON.parse((file ?? Buffer.alloc(0)).toString("utf8"));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const nameForm = /^[a-z0-9][a-z0-9._-]{0,127}$/;
const versionForm = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$/;

function manifestOf(
  file: Buffer | undefined,
): Result<{ readonly name: string; readonly version: string }> {
  const manifest = parsedOf(file);
  if (manifest === null) return notPackage("It has no package/package.json.");
  const { name, version } = manifest;
  if (typeof name !== "string" || !nameForm.test(name))
    return notPackage("Its package.json names no package.");
  if (typeof version !== "string" || !versionForm.test(version))
    return notPackage("Its package.json names no version.");
  const stated = [...listOf(manifest.fhirVersions), ...listOf(manifest["fhir-version-list"])];
  if (stated.length > 0 && !stated.some((each) => String(each).startsWith("4.0")))
    return notPackage("It is for another version of FHIR than R4.");
  return ok({ name, version });
}

/** Parses file by file, so that other requests are answered between two of them. */
async function definitionsOf(
  files: ReadonlyMap<string, Buffer>,
): Promise<Result<readonly InstalledDefinition[]>> {
  const found = new Map<string, InstalledDefinition>();
  let bytes = 0;
  for (const [name, file] of files) {
    if (name === "package.json" || name.startsWith(".")) continue;
    const value = parsedOf(file);
    if (value === null) return notPackage(`${name.slice(0, 100)} is not JSON.`);
    const definition = definitionOf(value);
    if (definition === null) continue;
    found.set(`${definition.kind} ${definition.url}`, definition);
    bytes += definition.text.length;
    if (found.size > packageLimits.definitions || bytes > packageLimits.definitionBytes)
      return notPackage("It holds more definitions than can be kept.");
    await nextTurn();
  }
  return found.size === 0
    ? notPackage("It holds no profile, value set, code system, search parameter or questionnaire.")
    : ok([...found.values()]);
}

/**
 * Reads a `.tgz` as HL7's package registries serve it. Fails as "package-refused", in words, when it
 * is no package for R4 or larger than the limits.
 */
export async function readPackage(archive: Buffer): Promise<Result<FhirPackage>> {
  let unpacked: Buffer;
  try {
    unpacked = await unzip(archive, { maxOutputLength: packageLimits.unpackedBytes });
  } catch {
    return notPackage("It is not a gzipped archive, is damaged, or is too large when unpacked.");
  }
  const files = filesOf(unpacked);
  if (files === null) return notPackage("The archive is damaged or holds too many or large files.");
  const manifest = manifestOf(files.get("package.json"));
  if (!manifest.ok) return manifest;
  const definitions = await definitionsOf(files);
  if (!definitions.ok) return definitions;
  const sha256 = createHash("sha256").update(archive).digest();
  return ok({ ...manifest.value, sha256, definitions: definitions.value });
}
