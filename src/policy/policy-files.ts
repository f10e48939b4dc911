import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

export interface PolicyTexts {
  /** Cedar policies, each with an @id of its own. */
  readonly policies: string;
  /** Cedar schema in its readable form. */
  readonly schema: string;
  /** The operator's own policies, each with an @id that begins with "own-". */
  readonly own?: string;
}

const schemaFile = "schema.cedarschema";
const policyFile = /^[a-z0-9-]+\.cedar$/;

const ownLimits = {
  files: 100,
  /** Of all of them together. */
  bytes: 256 * 1024,
} as const;

const unreadable = (error: unknown): ReturnType<typeof refuse> => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  return refuse("policy-unavailable", { detail: `the policies cannot be read (${code})` });
};

/** Reads schema.cedarschema and every *.cedar of a folder. Fails with "policy-unavailable". */
export async function readPolicyFiles(folder: string): Promise<Result<PolicyTexts>> {
  try {
    const names = (await readdir(folder)).filter((name) => policyFile.test(name)).sort();
    const [schema, ...policies] = await Promise.all(
      [schemaFile, ...names].map((name) => readFile(join(folder, name), "utf8")),
    );
    return ok({ schema: schema ?? "", policies: policies.join("\n") });
  } catch (error) {
    return unreadable(error);
  }
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** Names in a folder, sorted; none when it is not there. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    // Of the folder alone: a file that is gone or leads nowhere must not pass for no policies.
    if (isAbsent(error)) return [];
    throw error;
  }
}

/**
 * Reads an operator's *.cedar of a folder as one text; no folder, no policies. Fails with
 * "policy-unavailable" when a file cannot be read or has a name of another form, as nobody would see
 * that it is passed over, or when they are too many or too long.
 */
export async function readOwnPolicies(folder: string): Promise<Result<string>> {
  const refused = (detail: string) => refuse("policy-unavailable", { detail });
  try {
    const names = (await namesIn(folder)).filter((name) => /^[^.].*\.cedar$/i.test(name));
    const strange = names.find((name) => !policyFile.test(name));
    if (strange !== undefined)
      return refused(`${strange}: names have small letters, digits and hyphens, and end in .cedar`);
    if (names.length > ownLimits.files) return refused(`more than ${ownLimits.files} policy files`);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    const text = texts.join("\n");
    return Buffer.byteLength(text) > ownLimits.bytes
      ? refused(`policies of more than ${ownLimits.bytes} bytes`)
      : ok(text);
  } catch (error) {
    return unreadable(error);
  }
}
