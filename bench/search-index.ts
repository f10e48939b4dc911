import { randomInt } from "node:crypto";
import { Pool } from "pg";
import type { Figure } from "./figure.ts";
import { loadCalls, type Reached } from "./load.ts";
import { runTidily, startServer } from "./support.ts";

/** Where the tokens of a search within one record may lie; docs/decisions/0009 tells why the first is taken. */
const rows = 1_000_000;
const rowsPerPatient = 500;
const rowsPerStatement = 16;
const span = { clients: 16, seconds: 4 };
const types = 5;

// A token stands for one label of one patient: of each kind of label, so many values are met.
const labelValues = [40, 40, 4, 4, 2, 60, 60, 60];

const tokenOf = (patient: string, kind: number, value: string): string =>
  `hashtextextended(${patient}::text || '/${kind}/' || ${value}, 7)`;
const tokensOf = (patient: string, n: string): string =>
  `ARRAY[${labelValues.map((of, kind) => tokenOf(patient, kind, `((${n}::bigint * 7919 + ${kind}) % ${of})::text`)).join(", ")}]`;
const patientOf = (n: string): string => `md5((${n} / ${rowsPerPatient})::text)::uuid`;
const columns = `n bigint, id text COLLATE "C", patient uuid, type int, tokens bigint[], sealed bytea`;
const source = (from: string, to: string): string => `
  SELECT n, 'row-' || n, ${patientOf("n")}, (n % ${types})::int, ${tokensOf(patientOf("n"), "n")},
    convert_to(repeat(md5(n::text), 16), 'UTF8') FROM generate_series(${from}, ${to}) AS n`;

interface Layout {
  readonly name: string;
  readonly make: readonly string[];
  /** Beside the row, in the same statement: `$1` and `$2` are the first and the last of the rows. */
  readonly insert: string;
  /** `$1` a patient, `$2` a type, `$3` a token. */
  readonly find: string;
  readonly sizes: readonly string[];
}

const table = (name: string): readonly string[] => [
  `CREATE TABLE ${name} (${columns})`,
  `INSERT INTO ${name} ${source("0", String(rows - 1))}`,
  `CREATE INDEX ${name}_of_patient ON ${name} (patient, type)`,
];

const filtered = (name: string): string =>
  `SELECT id, sealed FROM ${name} WHERE patient = $1 AND type = $2 AND tokens && ARRAY[$3::bigint]`;

const layouts: readonly Layout[] = [
  {
    name: "no index of tokens: the record's rows of a type, filtered",
    make: table("filtered"),
    insert: `INSERT INTO filtered ${source("$1::bigint", "$2::bigint")}`,
    find: filtered("filtered"),
    sizes: [],
  },
  {
    name: "GIN, fastupdate off",
    make: [
      ...table("gin"),
      "CREATE INDEX gin_tokens ON gin USING gin (tokens) WITH (fastupdate = off)",
    ],
    insert: `INSERT INTO gin ${source("$1::bigint", "$2::bigint")}`,
    find: "SELECT id, sealed FROM gin WHERE tokens && ARRAY[$3::bigint] AND patient = $1 AND type = $2",
    sizes: ["gin_tokens"],
  },
  {
    name: "b-tree side table",
    make: [
      ...table("beside"),
      "CREATE UNIQUE INDEX beside_n ON beside (n)",
      "CREATE TABLE token AS SELECT unnest(tokens) AS token, n FROM beside",
      "CREATE INDEX token_rows ON token (token, n)",
    ],
    insert: `WITH added AS (INSERT INTO beside ${source("$1::bigint", "$2::bigint")} RETURNING n, tokens)
      INSERT INTO token SELECT unnest(tokens), n FROM added`,
    find: `SELECT id, sealed FROM token JOIN beside USING (n)
      WHERE token = $3::bigint AND patient = $1 AND type = $2`,
    sizes: ["token", "token_rows", "beside_n"],
  },
];

interface Told {
  readonly find: Reached;
  readonly insert: Reached;
  readonly mb: number;
}

async function megabytes(pool: Pool, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) {
    const size = await pool.query<{ bytes: string }>("SELECT pg_relation_size($1) AS bytes", [
      name,
    ]);
    bytes += Number(size.rows[0]?.bytes);
  }
  return bytes / 2 ** 20;
}

async function tell(pool: Pool, layout: Layout): Promise<Told> {
  for (const sql of layout.make) await pool.query(sql);
  await pool.query("VACUUM ANALYZE");
  const mb = await megabytes(pool, layout.sizes);
  const asked = await pool.query<{ patient: string; type: number; token: string }>(
    `SELECT patient, type, tokens[1] AS token FROM ${layout.make[0]?.split(" ")[2] ?? ""}
     TABLESAMPLE SYSTEM (1) LIMIT 5000`,
  );
  const find = await loadCalls(span, async () => {
    const one = asked.rows[randomInt(asked.rows.length)];
    const values = [one?.patient, one?.type, one?.token];
    await pool.query({ name: `find ${layout.name}`.slice(0, 60), text: layout.find, values });
  });
  let next = rows;
  const insert = await loadCalls(span, async () => {
    const from = next;
    next += rowsPerStatement;
    const values = [from, from + rowsPerStatement - 1];
    await pool.query({ name: `insert ${layout.name}`.slice(0, 60), text: layout.insert, values });
  });
  return { find, insert, mb };
}

export async function run(): Promise<readonly Figure[]> {
  return runTidily(async (tidy) => {
    const server = await startServer(tidy);
    const pool = new Pool({ ...server.admin, max: span.clients });
    tidy(() => pool.end());
    // What fails is told by the query that it fails.
    pool.on("error", () => {});
    const figures: Figure[] = [];
    let first: Told | null = null;
    for (const layout of layouts) {
      const told = await tell(pool, layout);
      first ??= told;
      const against = layouts[0]?.name ?? "";
      figures.push(
        {
          name: `finds a second: ${layout.name}`,
          value: told.find.perSecond,
          unit: "/s",
          ratio: told.find.perSecond / first.find.perSecond,
          against,
        },
        {
          name: "rows inserted a second, 16 in a statement",
          value: told.insert.perSecond * rowsPerStatement,
          unit: "/s",
          ratio: told.insert.perSecond / first.insert.perSecond,
          against,
        },
        { name: "p99 of such a statement", value: told.insert.p99Ms, unit: "ms" },
        { name: "what the index takes", value: told.mb, unit: "MB" },
      );
    }
    return figures;
  });
}
