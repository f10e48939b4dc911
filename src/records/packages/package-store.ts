import type { Result } from "#core/result.ts";
import { definitionKinds, type InstalledDefinition } from "#records/fhir/conformance.ts";
import type { FhirPackage } from "#records/packages/read-package.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

interface DefinitionRow {
  readonly kind: string;
  readonly url: string;
  readonly version: string | null;
  readonly body: string;
}

function definitionOfRow({ kind, url, version, body }: DefinitionRow): InstalledDefinition[] {
  const known = definitionKinds.find((each) => each === kind);
  return known === undefined ? [] : [{ kind: known, url, version, text: body }];
}

/** All definitions of all packages, those installed last at the end. */
export function readDefinitions(db: Queryable): Promise<Result<readonly InstalledDefinition[]>> {
  return attempt(async () => {
    const rows = await db.query<DefinitionRow & Record<string, unknown>>(
      `SELECT d.kind, d.url, d.version, d.body
       FROM records.fhir_definition d JOIN records.fhir_package p
         ON p.tenant = d.tenant AND p.name = d.package_name AND p.version = d.package_version
       ORDER BY p.position, d.kind, d.url`,
    );
    return rows.flatMap(definitionOfRow);
  });
}

/** Changes whenever a package was installed or replaced. */
export function readGeneration(db: Queryable): Promise<Result<string>> {
  return attempt(async () => {
    const [row] = await db.query<{ readonly generation: string }>({
      name: "fhir-package-generation",
      text: `SELECT count(*)::text || '/' || coalesce(max(position), 0)::text AS generation
        FROM records.fhir_package`,
      values: [],
    });
    return row?.generation ?? "";
  });
}

/** Whether this very archive is the one installed under its name and version. */
export function isInstalled(
  db: Queryable,
  { name, version, sha256 }: FhirPackage,
): Promise<Result<boolean>> {
  return attempt(async () => {
    const rows = await db.query(
      "SELECT FROM records.fhir_package WHERE name = $1 AND version = $2 AND sha256 = $3",
      [name, version, sha256],
    );
    return rows.length > 0;
  });
}

/** Puts a package in, in place of what stood under its name and version; all of it or nothing. */
export function storePackage(
  db: Database,
  { name, version, sha256, definitions }: FhirPackage,
  by: { readonly actor: string; readonly at: Date },
): Promise<Result<null>> {
  return attempt(() =>
    db.transaction(async (tx) => {
      await tx.query("DELETE FROM records.fhir_package WHERE name = $1 AND version = $2", [
        name,
        version,
      ]);
      await tx.query(
        `INSERT INTO records.fhir_package (name, version, sha256, installed_at, installed_by)
         VALUES ($1, $2, $3, $4, $5)`,
        [name, version, sha256, by.at, by.actor],
      );
      await tx.query(
        `INSERT INTO records.fhir_definition
           (package_name, package_version, kind, url, version, body)
         SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[])`,
        [
          name,
          version,
          definitions.map(({ kind }) => kind),
          definitions.map(({ url }) => url),
          definitions.map((definition) => definition.version),
          definitions.map(({ text }) => text),
        ],
      );
      return null;
    }),
  );
}
