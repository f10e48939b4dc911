import { parsePseudonym, parseResourceId, type Pseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { attempt } from "#storage/storage-problem.ts";
import { countKeysOf, findShredding } from "#vault/shred-store.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";

/**
 * Whom an operator means: a pseudonym that has keys or was shredded, else the id of a Patient
 * resource, of which the records process knows the pseudonym. Fails with "parameter-invalid" when
 * it can be neither; an id that no patient has gives a pseudonym that has no keys.
 */
export async function patientOf(
  { db, desk }: Pick<KeyLife, "db" | "desk">,
  text: string,
): Promise<Result<Pseudonym>> {
  const pseudonym = parsePseudonym(text);
  if (pseudonym !== null) {
    const known = await attempt(
      async () =>
        (await countKeysOf(db, pseudonym)) > 0 || (await findShredding(db, pseudonym)) !== null,
    );
    if (!known.ok) return known;
    if (known.value) return ok(pseudonym);
  }
  const id = parseResourceId(text);
  return id === null
    ? refuse("parameter-invalid", { detail: `"${text}" is neither a Patient's id nor a pseudonym` })
    : desk.pseudonymOf(id);
}
