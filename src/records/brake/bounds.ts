import type { PersonRole } from "#core/policy-request.ts";

/** What is counted, each within the last hour. */
export type Measure =
  /** Patients of whom more was shown than that they are there. */
  | "charts"
  /** Patients who were shown in a list: name, birth date, number. */
  | "listed"
  /** Resources. */
  | "records";

/** Beyond `slow` answers wait, beyond `stop` there are none. */
export interface Bound {
  readonly slow: number;
  readonly stop: number;
}

export type Bounds = Readonly<Record<Measure, Bound>>;

export const brakeLimits = {
  windowMs: 60 * 60_000,
  /** How long an answer waits just beyond `slow`, and just before `stop`. */
  waitMs: { least: 100, most: 2_000 },
  /** Answers that wait at one time; further ones are refused. */
  waiting: 512,
  /** The same stop is a signal again after this. */
  signalAgainMs: 60 * 60_000,
  /** Patients remembered, each once for every person and device that was shown them. */
  remembered: 1_000_000,
  /** Devices of one person counted apart; those beyond them count as one. */
  devices: 32,
  /** How often is read what other processes have shown. */
  othersMs: 1_000,
  /** Entries of others' read at once. */
  othersRows: 5_000,
  /** Multiplies all that is fixed, for a house whose days are unlike others'. */
  share: { least: 0.1, usual: 1, most: 10_000 },
} as const;

const bounds = (charts: Bound, listed: Bound, records: Bound): Bounds => ({
  charts,
  listed,
  records,
});

const staff = bounds(
  { slow: 60, stop: 150 },
  { slow: 5_000, stop: 10_000 },
  { slow: 30_000, stop: 60_000 },
);

/** Whom a role is not named for sees nobody's record but her own, which is not counted. */
const fixed: Partial<Readonly<Record<PersonRole, Bounds>>> = {
  clinician: staff,
  service: bounds(
    { slow: 10_000, stop: 20_000 },
    { slow: 50_000, stop: 100_000 },
    { slow: 1_000_000, stop: 2_000_000 },
  ),
};

/** What one device may do of what its person may. */
const deviceShare = 0.8;

const wider = (a: Bound, b: Bound): Bound => ({
  slow: Math.max(a.slow, b.slow),
  stop: Math.max(a.stop, b.stop),
});

const times = ({ slow, stop }: Bound, share: number): Bound => ({
  slow: Math.ceil(slow * share),
  stop: Math.ceil(stop * share),
});

const each = (of: Bounds, change: (bound: Bound, measure: Measure) => Bound): Bounds => ({
  charts: change(of.charts, "charts"),
  listed: change(of.listed, "listed"),
  records: change(of.records, "records"),
});

export interface BoundsAsked {
  readonly roles: readonly PersonRole[];
  readonly share: number;
  /** Charts in an hour that are usual; null while that is not known. */
  readonly usual: number | null;
}

export interface PersonBounds {
  readonly person: Bounds;
  /** Of each device of hers. */
  readonly device: Bounds;
}

/** Of her roles the widest, narrowed by what is usual. */
export function boundsFor({ roles, share, usual }: BoundsAsked): PersonBounds {
  const widest = roles.reduce<Bounds>((known, role) => {
    const own = fixed[role] ?? staff;
    return each(known, (bound, measure) => wider(bound, own[measure]));
  }, staff);
  const shared = each(widest, (bound) => times(bound, share));
  const { charts } = shared;
  const person: Bounds =
    usual === null
      ? shared
      : {
          ...shared,
          charts: {
            slow: Math.min(charts.slow, usual),
            stop: Math.min(charts.stop, usual * 2),
          },
        };
  return { person, device: each(person, (bound) => times(bound, deviceShare)) };
}
