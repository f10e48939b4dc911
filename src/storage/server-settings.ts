/**
 * How the embedded server is set, given on its command line so that no file in its data folder
 * says otherwise. Sized for one machine that also runs the four processes.
 */
const settings: Readonly<Record<string, string>> = {
  // Only the unix socket, in a folder of mode 0700: the bundled OpenSSL is too old for a network.
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "60",
  superuser_reserved_connections: "3",
  // An acknowledged write outlives a power cut.
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "96MB",
  work_mem: "8MB",
  maintenance_work_mem: "64MB",
  effective_cache_size: "512MB",
  min_wal_size: "80MB",
  max_wal_size: "512MB",
  checkpoint_timeout: "10min",
  // Few helper processes: reads come from the page cache, and queries are short.
  io_method: "sync",
  max_parallel_workers: "0",
  max_parallel_workers_per_gather: "0",
  max_parallel_maintenance_workers: "0",
  max_worker_processes: "2",
  max_logical_replication_workers: "0",
  max_wal_senders: "2",
  autovacuum_max_workers: "2",
  jit: "off",
  huge_pages: "off",
  random_page_cost: "1.1",
  timezone: "UTC",
  log_timezone: "UTC",
  // Errors of statements go to the client alone: their texts may hold values of rows.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_parameter_max_length_on_error: "0",
  log_checkpoints: "off",
  log_autovacuum_min_duration: "-1",
};

export interface ServerWords {
  readonly data: string;
  readonly socket: string;
  /** Settings beside or in place of those above. */
  readonly own: Readonly<Record<string, string>> | undefined;
}

/** The words after `postgres`. */
export function serverArguments({ data, socket, own }: ServerWords): readonly string[] {
  const all = { ...settings, unix_socket_directories: socket, ...own };
  const words = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", data, ...words];
}

/** The words after `initdb`. */
export function initdbArguments(
  dataFolder: string,
  superuser: string,
  passwordFile: string,
): readonly string[] {
  return [
    `--pgdata=${dataFolder}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    "--auth-local=scram-sha-256",
    "--auth-host=reject",
    "--encoding=UTF8",
    // The order of texts then never changes with the machine's libraries.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
  ];
}
