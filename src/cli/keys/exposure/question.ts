import { isOwnHost, ownHost } from "#assembly/exposure.ts";
import type { ExposureQuestion, Window } from "#breach/exposure.ts";
import { parseInstant, type Instant } from "#core/clock.ts";
import { parsePseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { parseProcessRole } from "#core/roles.ts";

export interface ExposureOptions {
  readonly key?: string;
  readonly host?: string;
  readonly kekEpoch?: string;
  readonly backup?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

const refused = (at: string, detail: string) => refuse("parameter-invalid", { at, detail });

const timeForm = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** ISO 8601 with its zone, or a date, which is the midnight in UTC that begins it. */
export function parseTime(text: string): Instant | null {
  return timeForm.test(text) ? parseInstant(Date.parse(text)) : null;
}

const versionMax = 2 ** 31 - 1;

function parseNumber(text: string): number | null {
  const value = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
  return value !== null && value <= versionMax ? value : null;
}

const timeWords = "takes a time such as 2026-10-31T22:00:00Z, or a date";

function parseEdge(option: string, text: string | undefined): Result<Instant | null> {
  if (text === undefined) return ok(null);
  const at = parseTime(text);
  return at === null ? refused(option, `${option} ${timeWords}`) : ok(at);
}

function parseWindow(options: ExposureOptions): Result<Window> {
  const from = parseEdge("--from", options.from);
  if (!from.ok) return from;
  const until = parseEdge("--to", options.to);
  if (!until.ok) return until;
  if (from.value !== null && until.value !== null && from.value >= until.value)
    return refused("--to", "--to must be later than --from");
  return ok({ from: from.value, until: until.value });
}

function keyQuestion(text: string, window: Window): Result<ExposureQuestion> {
  const [compartment = "", version, ...more] = text.split("/");
  const isKnown =
    compartment === "organisation" ||
    compartment === "identity" ||
    parsePseudonym(compartment) !== null;
  const dekVersion = version === undefined ? null : parseNumber(version);
  if (!isKnown || more.length > 0 || (version !== undefined && dekVersion === null))
    return refused(
      "--key",
      "--key takes a patient's pseudonym, organisation or identity, and /VERSION if one alone is meant",
    );
  return ok({ kind: "key", compartment, dekVersion, window });
}

/**
 * `NAME`, or `ROLE@NAME` for one process. The keys process's own machine without a role is all of
 * it, the keys process too: whoever has the machine has that.
 */
function hostQuestion(text: string, window: Window): Result<ExposureQuestion> {
  const [name = "", roleText] = text.split("@").toReversed();
  if (text === "keys" || roleText === "keys" || (roleText === undefined && isOwnHost(name)))
    return ok({ kind: "keys-host", window });
  const role = roleText === undefined ? null : parseProcessRole(roleText);
  if (name === "" || (roleText !== undefined && role === null) || text.split("@").length > 2)
    return refused(
      "--host",
      "--host takes a name or address, or ROLE@NAME with records, identity or keys as the role",
    );
  return ok({ kind: "host", host: isOwnHost(name) ? ownHost : name, role, window });
}

function epochOf(text: string | undefined): Result<number | null> {
  const epoch = text === undefined ? null : parseNumber(text);
  return text !== undefined && epoch === null
    ? refused("--kek-epoch", "--kek-epoch takes the number of an epoch, from 1 on")
    : ok(epoch);
}

function backupQuestion(text: string, options: ExposureOptions): Result<ExposureQuestion> {
  const at = parseTime(text);
  if (at === null) return refused("--backup", `--backup ${timeWords}`);
  if (options.from !== undefined || options.to !== undefined)
    return refused("--from", "a backup is of one moment: --backup goes without --from and --to");
  const epoch = epochOf(options.kekEpoch);
  return epoch.ok ? ok({ kind: "backup", at, epoch: epoch.value }) : epoch;
}

/** The question that the options ask. Fails with "parameter-invalid", saying which is wrong. */
export function parseQuestion(options: ExposureOptions): Result<ExposureQuestion> {
  const { key, host, kekEpoch, backup } = options;
  const asked = [key, host, backup].filter((each) => each !== undefined).length;
  if (asked > 1 || (asked === 0 && kekEpoch === undefined))
    return refused("--key", "ask about one thing: --key, --host, --kek-epoch or --backup");
  if (kekEpoch !== undefined && (key !== undefined || host !== undefined))
    return refused("--kek-epoch", "--kek-epoch goes alone or with --backup");
  if (backup !== undefined) return backupQuestion(backup, options);
  const window = parseWindow(options);
  if (!window.ok) return window;
  if (key !== undefined) return keyQuestion(key, window.value);
  if (host !== undefined) return hostQuestion(host, window.value);
  const epoch = epochOf(kekEpoch);
  if (!epoch.ok) return epoch;
  return epoch.value === null
    ? refused("--kek-epoch", "ask about one thing")
    : ok({ kind: "kek-epoch", epoch: epoch.value, window: window.value });
}
