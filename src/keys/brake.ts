import type { Clock } from "#core/clock.ts";
import type { KeySignal } from "#core/key-wire.ts";
import type { BrakeVerdict } from "#keys/desk.ts";
import type { KeyCaller } from "#keys/key-use.ts";

/** Patients whose keys one host may have unwrapped within an hour. */
export interface BrakeSettings {
  /** Above it the signal "unwrap-storm" is raised. */
  readonly softPatientsPerHour: number;
  /** Above it no further patient's key is unwrapped. */
  readonly hardPatientsPerHour: number;
}

/** A large hospital's busy hour stays below the soft one. */
export const defaultBrake: BrakeSettings = {
  softPatientsPerHour: 5_000,
  hardPatientsPerHour: 50_000,
};

export const brakeLimits = {
  windowMs: 3_600_000,
  hosts: 64,
  /** The same refusal is a signal again after this. */
  repeatMs: 600_000,
  liftPatientsMax: 10_000_000,
  liftMinutesMax: 24 * 60,
} as const;

export interface BrakeDeps {
  readonly settings: BrakeSettings;
  /** Its monotonic side alone: setting the clock neither opens nor closes the brake. */
  readonly clock: Clock;
  /** What is usual for a host: patients in an hour, null while that is not known. */
  readonly usual: (host: string) => number | null;
  /** Told at the end of an hour in which keys of so many patients, at least one, were asked for. */
  readonly onHour: (host: string, patients: number) => void;
}

export interface Brake {
  /** Counts these patients, unless their keys must be refused. Patients counted before always pass. */
  check(caller: KeyCaller, patients: readonly string[]): BrakeVerdict;
  /** Counts what was unwrapped before this process started, so that a restart frees nobody. */
  recall(caller: KeyCaller, patients: readonly string[], msAgo: number): void;
  /** Lets every host have so many patients more, for announced work on many records. */
  lift(patients: number, minutes: number): void;
}

interface Host {
  readonly name: string;
  /** Patients by the moment when they were last asked for, oldest first. */
  readonly seen: Map<string, number>;
  hourBegan: number;
  /** How many patients raise the next signal; null while the soft limit was not crossed. */
  nextStorm: number | null;
  brakedAt: number | null;
}

export function createBrake({ settings, clock, usual, onHour }: BrakeDeps): Brake {
  const hosts = new Map<string, Host>();
  let lifted = { patients: 0, until: 0 };

  function hostOf({ role, host }: KeyCaller, now: number): Host {
    const wanted = `${role} ${host}`;
    const name = hosts.has(wanted) || hosts.size < brakeLimits.hosts ? wanted : "others";
    const known = hosts.get(name);
    if (known !== undefined) return known;
    const seen = new Map<string, number>();
    const made = { name, seen, hourBegan: now, nextStorm: null, brakedAt: null };
    hosts.set(name, made);
    return made;
  }

  function storms(host: Host, soft: number): boolean {
    const patients = host.seen.size;
    if (patients <= soft) host.nextStorm = null;
    if (patients <= (host.nextStorm ?? soft)) return false;
    // Once, and again only when it has doubled: a storm must not bury the log.
    host.nextStorm = patients * 2;
    return true;
  }

  return {
    check: (caller, patients) => {
      const now = clock.monotonicMs();
      const host = hostOf(caller, now);
      endHour(host, now, onHour);
      forgetOld(host, now);
      const more = now < lifted.until ? lifted.patients : 0;
      const fresh = patients.filter((patient) => !host.seen.has(patient)).length;
      if (fresh > 0 && host.seen.size + fresh > settings.hardPatientsPerHour + more)
        return { pass: false, signals: brakeSignals(host, now) };
      for (const patient of patients) touch(host, patient, now);
      const soft = Math.min(settings.softPatientsPerHour, usual(host.name) ?? Infinity) + more;
      return { pass: true, signals: storms(host, soft) ? ["unwrap-storm"] : [] };
    },
    recall: (caller, patients, msAgo) => {
      const now = clock.monotonicMs();
      const host = hostOf(caller, now);
      for (const patient of patients) touch(host, patient, now - msAgo);
    },
    lift: (patients, minutes) => {
      lifted = { patients, until: clock.monotonicMs() + minutes * 60_000 };
    },
  };
}

function touch(host: Host, patient: string, at: number): void {
  host.seen.delete(patient);
  host.seen.set(patient, at);
}

function forgetOld(host: Host, now: number): void {
  for (const [patient, at] of host.seen) {
    if (now - at < brakeLimits.windowMs) return;
    host.seen.delete(patient);
  }
}

function endHour(host: Host, now: number, onHour: BrakeDeps["onHour"]): void {
  const hours = Math.floor((now - host.hourBegan) / brakeLimits.windowMs);
  if (hours === 0) return;
  // Nobody asked since the first of these hours ended, or it would have been ended then.
  const patients = [...host.seen.values()].filter((at) => at >= host.hourBegan).length;
  host.hourBegan += hours * brakeLimits.windowMs;
  if (patients > 0) onHour(host.name, patients);
}

function brakeSignals(host: Host, now: number): readonly KeySignal[] {
  if (host.brakedAt !== null && now - host.brakedAt < brakeLimits.repeatMs) return [];
  host.brakedAt = now;
  return ["unwrap-brake"];
}
