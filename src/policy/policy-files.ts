import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

export interface PolicyTexts {
  /** Cedar policies, each with an @id of its own. */
  readonly policies: string;
  /** Cedar schema in its readable form. */
  readonly schema: string;
}

const schemaFile = "schema.cedarschema";
const policyFile = /^[a-z0-9-]+\.cedar$/;

/** Reads schema.cedarschema and every *.cedar of a folder. Fails with "policy-unavailable". */
export async function readPolicyFiles(folder: string): Promise<Result<PolicyTexts>> {
  try {
    const names = (await readdir(folder)).filter((name) => policyFile.test(name)).sort();
    const [schema, ...policies] = await Promise.all(
      [schemaFile, ...names].map((name) => readFile(join(folder, name), "utf8")),
    );
    return ok({ schema: schema ?? "", policies: policies.join("\n") });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return refuse("policy-unavailable", { detail: `the policies cannot be read (${code})` });
  }
}
