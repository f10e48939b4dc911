import type { IncomingMessage } from "node:http";
import type { Log, LogDeps } from "#audit/log.ts";
import {
  entriesInWindow,
  entriesOfPatients,
  entriesOfWritten,
  entryAt,
  newestCheckpoint,
} from "#audit/queries.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import type { Pseudonym, ResourceId, TenantId } from "#core/ids.ts";
import type { KeySignal } from "#core/key-wire.ts";
import type { Handler } from "#core/net.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import type { Authorizer } from "#policy/authorizer.ts";
import type { PolicyChange } from "#policy/policy-watch.ts";
import { countAnonymousDenials } from "#records/anonymous-denials.ts";
import { createBlindIndex } from "#records/blind/blind-index.ts";
import { openMaintenance } from "#records/blind/maintenance.ts";
import { createBrake } from "#records/brake/brake.ts";
import { createUsual } from "#records/brake/usual.ts";
import type { EmergencyRules } from "#records/break-glass/rules.ts";
import { awaitingOpenings, openStandingOpenings } from "#records/break-glass/standing-openings.ts";
import { createIdentify, sessionOf } from "#records/caller.ts";
import { createDeeds } from "#records/deeds.ts";
import { createDoor, type DoorDeps } from "#records/door.ts";
import {
  awaitingConsents,
  openConsentBook,
  type ConsentBook,
} from "#records/consent/consent-book.ts";
import { createKeyOf, type FetchJwks } from "#records/jwks.ts";
import { capabilityStatement } from "#records/fhir/capability.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { createRaiseHoney } from "#records/honey.ts";
import { createKindsOf } from "#records/kinds.ts";
import { watchLiveSessions, type LiveSessions } from "#records/live-sessions.ts";
import { operations } from "#records/operations/operations.ts";
import { createServerHandler, faultOf, type Fault } from "#records/server.ts";
import { awaitingCharts, createSamePerson } from "#records/matching/same-person.ts";
import { createStore } from "#records/store.ts";
import { createTurnstile } from "#records/turnstile.ts";
import { createVisits } from "#records/visit.ts";
import { openInstalledPackages } from "#records/packages/installed.ts";
import { areIndependent } from "#records/independent-works.ts";
import {
  createUpstreamCare,
  type UpstreamCare,
  type UpstreamCareDeps,
} from "#records/upstream/care.ts";
import type { Upstream } from "#records/upstream/client.ts";
import { createUpstreamDeeds, upstreamCapability } from "#records/upstream/deeds.ts";
import { performWorks } from "#records/work-store.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";
import type { Database } from "#storage/database.ts";
import type { KeyEvent, Vault } from "#vault/vault.ts";

export type RecordsLog = Log<Work, WriteOutcome>;
/** What the log must know of the works that it makes durable. */
export type LogWorks = Required<Pick<LogDeps<Work, WriteOutcome>, "alongside" | "independent">>;

export interface RecordsDeps {
  /** As phylax_records. */
  readonly db: Database;
  readonly tenant: TenantId;
  readonly clock: Clock;
  readonly random: Random;
  /** `https://host[:port]`: issuer, audience and every address in an answer begin with it. */
  readonly publicOrigin: string;
  /** Version of this software, for the CapabilityStatement. */
  readonly version: string;
  readonly authorizer: Authorizer;
  /** Tells of each change of the operator's policies, which waits for its entry; answers how to end that. */
  readonly watchPolicies?: (tell: (change: PolicyChange) => Promise<boolean>) => () => void;
  readonly emergency: EmergencyRules;
  /** Multiplies the fixed bounds of what one person may be shown in an hour. */
  readonly brakeShare: number;
  /** Name of this process's log. */
  readonly logOrigin: string;
  /** Opens this process's log, which writes rows in the transaction of their entries. */
  readonly openLog: (works: LogWorks) => Promise<Result<RecordsLog>>;
  /** Opens the vault, which tells `onKeys` of each key before it is used; their entries go ahead of those of what they open. */
  readonly openVault: (
    onKeys: (event: KeyEvent) => Promise<Result<unknown>>,
    /** Told of each alarm that the keys process gives on. */
    onSignal: (signal: KeySignal) => void,
  ) => Promise<Result<Vault>>;
  /** Fetches identity's JWK set as parsed JSON; throws when identity does not answer. */
  readonly fetchJwks: FetchJwks;
  /** The FHIR server that holds the records in our stead; null where they are kept here. */
  readonly upstream: Upstream | null;
  readonly peerOf: (request: IncomingMessage) => ProcessRole | null;
  readonly onFault: (fault: Fault) => void;
}

export interface Records {
  readonly handler: Handler;
  /** Logs what is still counted in memory and gives the log's slot back; the database stays open. */
  close(): Promise<void>;
}

/** Which keys came into this process's memory: after a compromise, the patients whose keys were there. */
function keyEntries({ action, keys }: KeyEvent, clock: Clock): readonly AuditEntry[] {
  const time = clock.now();
  return keys.map(({ compartment, dekVersion, kekEpoch }) =>
    auditEntry({
      time,
      action,
      decision: "permit",
      actor: "process:records",
      reasons: [`kek-epoch-${kekEpoch}`],
      patient: compartment === "organisation" ? null : compartment,
      dekVersion,
      count: 1,
      zone: "phi",
    }),
  );
}

/** An alarm of the keys process: it has no way to the database, so that its word comes with an answer. */
function signalEntry(signal: KeySignal, clock: Clock): AuditEntry {
  return auditEntry({
    time: clock.now(),
    action: "signal",
    decision: "permit",
    actor: "process:keys",
    reasons: [signal],
    zone: "keys",
    signal,
  });
}

/** The operator changed policies: what is in force from here on, or that what she wrote is not. */
function policyEntry({ kind, digest }: PolicyChange, clock: Clock): AuditEntry {
  return auditEntry({
    time: clock.now(),
    action: "signal",
    decision: kind === "taken" ? "permit" : "error",
    actor: "process:records",
    reasons: [`own-policies-${digest.slice(0, 16)}`],
    zone: "phi",
    signal: kind === "taken" ? "policy-changed" : "policy-refused",
  });
}

/** The log writes rows that the vault seals, and the vault's keys are recorded in the log: each needs the other. */
async function openLogAndVault(
  deps: RecordsDeps,
): Promise<Result<{ readonly log: RecordsLog; readonly vault: Vault }>> {
  const { tenant, clock } = deps;
  let opened: Vault | null = null;
  const log = await deps.openLog({
    alongside: (tx, works) => {
      invariant(opened !== null, "nothing is written before the vault is open");
      return performWorks({ tenant, clock, vault: opened })(tx, works);
    },
    independent: areIndependent,
  });
  if (!log.ok) return log;
  const recordKeys = async (event: KeyEvent): Promise<void> => {
    const entries = keyEntries(event, clock);
    try {
      const logged = await log.value.submit({ entries: () => entries });
      if (!logged.ok) opened?.evict(event.keys.map(({ compartment }) => compartment));
    } catch (error) {
      deps.onFault(faultOf(error));
    }
  };
  // Not awaited: whatever a key opens waits for an entry of its own, which stands behind these in
  // the same log, so nothing leaves before they are durable. Keys whose entry failed are forgotten.
  const onKeys = async (event: KeyEvent): Promise<Result<null>> => {
    void recordKeys(event);
    return ok(null);
  };
  const onSignal = (signal: KeySignal): void => {
    const entry = signalEntry(signal, clock);
    log.value.submit({ entries: () => [entry] }).catch((error: unknown) => {
      deps.onFault(faultOf(error));
    });
  };
  const vault = await deps.openVault(onKeys, onSignal);
  if (!vault.ok) {
    await log.value.close();
    return vault;
  }
  opened = vault.value;
  return ok({ log: log.value, vault: vault.value });
}

/** Sessions, for as long as it is known what patients forbid: else nobody is let in. */
function whileFresh(
  sessions: LiveSessions,
  consents: Pick<ConsentBook, "fresh">,
): Pick<LiveSessions, "find"> {
  return {
    find: async (id) => {
      const found = await sessions.find(id);
      if (!found.ok) return found;
      const fresh = await consents.fresh();
      return fresh.ok ? found : fresh;
    },
  };
}

interface Guarded {
  readonly care: UpstreamCare | null;
  readonly consents: Pick<ConsentBook, "forbids">;
}

/** What patients forbid, by the Consents kept here and, in front of another server, by those kept there. */
function guardedOf(
  { upstream, ...deps }: RecordsDeps,
  { consents, ...known }: Pick<UpstreamCareDeps, "pseudonymOf" | "log"> & Pick<Guarded, "consents">,
): Guarded {
  if (upstream === null) return { care: null, consents };
  const care = createUpstreamCare({ ...deps, ...known, upstream });
  return {
    care,
    consents: {
      forbids: (patient, asked) => consents.forbids(patient, asked) || care.forbids(patient, asked),
    },
  };
}

/** The JSON of what is told of each state of the installed packages, made when it is first asked for. */
function tellOnce(tell: (conformance: Conformance) => object): (of: Conformance) => string {
  const told = new WeakMap<Conformance, string>();
  return (conformance) => {
    const known = told.get(conformance) ?? JSON.stringify(tell(conformance));
    told.set(conformance, known);
    return known;
  };
}

/**
 * The guarded door to the records: every answer that holds PHI was permitted by policy and is in
 * the log. Fails as opening the log or the vault fails.
 */
export async function createRecords(deps: RecordsDeps): Promise<Result<Records>> {
  const opened = await openLogAndVault(deps);
  if (!opened.ok) return opened;
  const { log, vault } = opened.value;
  const { db, clock, publicOrigin, peerOf, onFault } = deps;
  const blindFault = (error: unknown): void => onFault(faultOf(error));
  const maintenance = await openMaintenance({ ...deps, vault, onFault: blindFault });
  if (!maintenance.ok) {
    await log.close();
    vault.close();
    return maintenance;
  }
  const packages = await openInstalledPackages(db);
  if (!packages.ok) {
    await maintenance.value.close();
    await log.close();
    vault.close();
    return packages;
  }
  const samePerson = createSamePerson(db);
  const pseudonymOf = (id: ResourceId): Pseudonym => vault.pseudonymOf(id);
  const watch = { db, clock, pseudonymOf, samePerson };
  const [sessions, consents, openings] = await Promise.all([
    watchLiveSessions(watch),
    openConsentBook({ ...deps, vault }),
    openStandingOpenings({ db, clock }),
  ]);
  const live = whileFresh(sessions, consents);
  const denials = countAnonymousDenials({
    clock,
    record: async (entries) => (await log.submit({ entries: () => entries })).ok,
  });
  const keyOf = createKeyOf(deps.fetchJwks, clock);
  const identify = createIdentify({ keyOf, live, publicOrigin, clock });
  const guarded = guardedOf(deps, { consents, pseudonymOf, log });
  const begin = createVisits({ ...deps, ...guarded, samePerson, openings, pseudonymOf });
  const stillLive: DoorDeps["stillLive"] = ({ claims }) => sessionOf(claims, { live });
  const heeded = awaitingOpenings(
    awaitingCharts(awaitingConsents(log, consents), samePerson),
    openings,
  );
  const usual = createUsual({ db, clock, onFault: blindFault });
  const brake = createBrake({ ...deps, share: deps.brakeShare, usual });
  const door = createDoor({ clock, log: heeded, identify, begin, denials, brake, stillLive });
  const unwatch = deps.watchPolicies?.(
    async (change) => (await log.submit({ entries: () => [policyEntry(change, clock)] })).ok,
  );
  const facts = { publicOrigin, version: deps.version, since: clock.now(), operations };
  const local = createDeeds({
    ...deps,
    vault,
    log: heeded,
    blind: createBlindIndex({ db, vault, clock }),
    maintenance: maintenance.value,
    raiseHoney: createRaiseHoney(log, clock),
    store: createStore(db),
    samePerson,
    kindsOf: createKindsOf(),
    packages: packages.value,
    conformance: packages.value.current,
    turnstile: createTurnstile(),
    capability: tellOnce((conformance) => {
      const whole = capabilityStatement({ ...facts, conformance });
      return deps.upstream === null ? whole : upstreamCapability(whole);
    }),
    checkpoint: () => newestCheckpoint(db, deps.logOrigin),
    entriesOf: (asked) => entriesOfPatients(db, asked),
    entriesIn: (asked) => entriesInWindow(db, asked),
    entryAt: (place) => entryAt(db, place),
    writtenEntries: (asked) => entriesOfWritten(db, asked),
  });
  const { upstream } = deps;
  const { care } = guarded;
  const conformance = packages.value.current;
  const deedOf =
    upstream === null || care === null
      ? local
      : createUpstreamDeeds({ ...deps, upstream, care, pseudonymOf, vault, conformance }, local);
  return ok({
    handler: createServerHandler({ door, denials, peerOf, deedOf, onFault }),
    close: async () => {
      unwatch?.();
      packages.value.close();
      sessions.close();
      consents.close();
      openings.close();
      brake.close();
      await usual.settled();
      await maintenance.value.close();
      await denials.close();
      await log.close();
      vault.close();
    },
  });
}
