import { auditEntry } from "#core/audit-entry.ts";
import { createBoundedCache } from "#core/bounded-cache.ts";
import type { Clock } from "#core/clock.ts";
import { parseResourceType, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { relationsOf } from "#records/care-team.ts";
import {
  forbidAll,
  forbids,
  type ConsentQuestion,
  type Provision,
} from "#records/consent/provision.ts";
import { readConsent } from "#records/consent/read-consent.ts";
import type { RecordsLog } from "#records/records.ts";
import type { CareAsker } from "#records/store.ts";
import type { Upstream } from "#records/upstream/client.ts";
import { readAnswered, type AnsweredResource } from "#records/upstream/resource.ts";
import { readSearchset, searchsetLimits } from "#records/upstream/searchset.ts";
import type { CareRelation } from "#records/write-plan.ts";

export const careLimits = {
  /** How long what was read of a patient's care team and Consents is gone by. */
  freshMs: 5_000,
  /** How long after it was made ready a decision may still rest on it. */
  decideMs: 10_000,
  patientsRemembered: 5_000,
} as const;

/** Who cares for a patient, and what she forbids, by the records of the server behind. */
export interface UpstreamCare {
  /**
   * Makes ready what a decision on her record needs, and tells whether the asker stands in her care
   * team. Fails as the server does; nothing may be decided then.
   */
  prepare(patient: ResourceId, asker: CareAsker): Promise<Result<{ readonly inCareTeam: boolean }>>;
  /** By what `prepare` read a moment ago; without, all that a Consent can forbid is forbidden. */
  forbids(patient: Pseudonym, asked: ConsentQuestion): boolean;
}

export interface UpstreamCareDeps {
  readonly upstream: Upstream;
  readonly publicOrigin: string;
  readonly clock: Clock;
  readonly pseudonymOf: (patient: ResourceId) => Pseudonym;
  readonly log: Pick<RecordsLog, "submit">;
}

/** What is read of a patient and gone by for a moment. */
interface Kept<T> {
  read(patient: ResourceId): Promise<Result<T>>;
  /** Null when it was read too long ago, or never. */
  current(patient: Pseudonym): T | null;
}

function keep<T>(
  { clock, pseudonymOf }: Pick<UpstreamCareDeps, "clock" | "pseudonymOf">,
  fetchOf: (patient: ResourceId) => Promise<Result<T>>,
): Kept<T> {
  const known = createBoundedCache<Pseudonym, { readonly value: T; readonly readMs: number }>(
    careLimits.patientsRemembered,
  );
  const underWay = new Map<Pseudonym, Promise<Result<T>>>();
  const within = (patient: Pseudonym, ms: number): T | null => {
    const found = known.get(patient);
    return found !== undefined && clock.monotonicMs() - found.readMs <= ms ? found.value : null;
  };
  const fetchNow = async (patient: ResourceId, name: Pseudonym): Promise<Result<T>> => {
    const readMs = clock.monotonicMs();
    try {
      const fetched = await fetchOf(patient);
      if (fetched.ok) known.set(name, { value: fetched.value, readMs });
      return fetched;
    } finally {
      underWay.delete(name);
    }
  };
  return {
    current: (patient) => within(patient, careLimits.decideMs),
    read: async (patient) => {
      const name = pseudonymOf(patient);
      const fresh = within(name, careLimits.freshMs);
      if (fresh !== null) return ok(fresh);
      const running = underWay.get(name) ?? fetchNow(patient, name);
      underWay.set(name, running);
      return running;
    },
  };
}

/** Every resource of one type in a patient's record; null stands for one that cannot be read. */
type Listed = readonly (AnsweredResource | null)[];

async function listOf(
  name: "CareTeam" | "Consent",
  patient: ResourceId,
  { upstream, publicOrigin }: UpstreamCareDeps,
): Promise<Result<Listed>> {
  const type = parseResourceType(name);
  invariant(type !== null, "it is a type");
  const form = new URLSearchParams({
    patient: `Patient/${patient}`,
    _count: String(searchsetLimits.page),
  });
  const answer = await upstream.search(type, form);
  // Not to know who cares or what is forbidden is no answer to the caller's own question.
  if (!answer.ok)
    return answer.problem.code === "upstream-too-slow" ? answer : refuse("upstream-unavailable");
  const read = readSearchset(answer.value, upstream.base);
  if (!read.ok) return read;
  if (read.value.next !== null)
    return refuse("upstream-refused", { detail: `There are too many of type ${name}.` });
  const addresses = { base: upstream.base, publicOrigin };
  return ok(
    read.value.matches.map((text) => {
      const found = readAnswered(text, addresses, { type });
      return found.ok ? found.value : null;
    }),
  );
}

const isOf = ({ owner }: AnsweredResource, patient: ResourceId): boolean =>
  owner.kind === "patient" && owner.patient === patient;

/** A team that cannot be read, or is another patient's, makes nobody a member. */
const relationsIn = (listed: Listed, patient: ResourceId): readonly CareRelation[] =>
  listed.flatMap((team) =>
    team !== null && isOf(team, patient) ? relationsOf(team.parsed.value) : [],
  );

/** A Consent that cannot be read may forbid anything. */
function provisionsIn(listed: Listed, patient: ResourceId): readonly Provision[] {
  return listed.flatMap((consent) => {
    if (consent === null) return [forbidAll];
    return isOf(consent, patient) ? (readConsent(consent.parsed.value) ?? []) : [];
  });
}

function isMember(relations: readonly CareRelation[], { practitioner, at }: CareAsker): boolean {
  return relations.some(
    ({ practitioner: member, startsAt, endsAt }) =>
      member === practitioner &&
      (startsAt === null || startsAt <= at) &&
      (endsAt === null || endsAt > at),
  );
}

/** Reads care teams and Consents where the records are, each reading an entry of this process in the log. */
export function createUpstreamCare(deps: UpstreamCareDeps): UpstreamCare {
  const { clock, log, pseudonymOf } = deps;
  const logged = async (
    name: "CareTeam" | "Consent",
    patient: ResourceId,
  ): Promise<Result<Listed>> => {
    const listed = await listOf(name, patient, deps);
    if (!listed.ok) return listed;
    const entry = auditEntry({
      time: clock.now(),
      action: "search",
      decision: "permit",
      actor: "process:records",
      reasons: ["needed-to-decide"],
      patient: pseudonymOf(patient),
      resourceType: name,
      categories: [name],
      count: listed.value.length,
      zone: "phi",
    });
    const told = await log.submit({ entries: () => [entry] });
    return told.ok ? listed : told;
  };
  const teams = keep(deps, async (patient) => {
    const listed = await logged("CareTeam", patient);
    return listed.ok ? ok(relationsIn(listed.value, patient)) : listed;
  });
  const consents = keep(deps, async (patient) => {
    const listed = await logged("Consent", patient);
    return listed.ok ? ok(provisionsIn(listed.value, patient)) : listed;
  });
  return {
    prepare: async (patient, asker) => {
      const isPractitioner = asker.practitioner !== null;
      const [forbidden, relations] = await Promise.all([
        consents.read(patient),
        isPractitioner ? teams.read(patient) : ok<readonly CareRelation[]>([]),
      ]);
      if (!forbidden.ok) return forbidden;
      if (!relations.ok) return relations;
      return ok({ inCareTeam: isPractitioner && isMember(relations.value, asker) });
    },
    forbids: (patient, asked) => {
      const provisions = consents.current(patient) ?? [forbidAll];
      return provisions.some((provision) => forbids(provision, asked));
    },
  };
}
