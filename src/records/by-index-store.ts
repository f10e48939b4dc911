import type { Queryable } from "#storage/database.ts";

// A plan is kept as long as its connection. One made while the table is small would read all of it
// for ever, and an import into an empty database would become slower with every row.
const byIndex = `
  SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true)`;

/** Has all statements of this transaction go by an index. */
export async function planByIndex(tx: Queryable): Promise<void> {
  await tx.query({ name: "records-by-index", text: byIndex, values: [] });
}
