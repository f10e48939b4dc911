import type { TenantId } from "#core/ids.ts";

/** Where a PostgreSQL server listens and as whom to enter; `host` may be the directory of a unix socket. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * The roles of the database, one for each process that enters it. The owner holds the tables and
 * only migrations use it; the auditor reads the log, hashes of rows and names of keys; the keeper
 * changes and destroys wrapped keys at an operator's command.
 */
export const databaseRoles = [
  "phylax_owner",
  "phylax_records",
  "phylax_identity",
  "phylax_auditor",
  "phylax_keeper",
] as const;
export type DatabaseRole = (typeof databaseRoles)[number];

/** Server settings of one session, as the `options` startup parameter takes them. */
export function sessionOptions(tenant: TenantId, limits: Readonly<Record<string, number>>): string {
  // A TenantId is a uuid, so nothing in it could end the option early.
  const settings = { "phylax.tenant": tenant, timezone: "UTC", datestyle: "ISO", ...limits };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}
