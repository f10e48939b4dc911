import type { PersonRole } from "#core/policy-request.ts";
import { boundsFor, brakeLimits, type PersonBounds } from "#records/brake/bounds.ts";
import { createTally, type Showing, type Tally } from "#records/brake/tally.ts";

/** What was shown to one person within the hour, and on each device of hers. */
export interface Person {
  readonly all: Tally;
  readonly devices: Map<string, Tally>;
  /** Charts in an hour that are usual for her; null while that is not known. */
  readonly usual: number | null;
  /** For the roles that she had when they were worked out. */
  bounds: { readonly roles: readonly PersonRole[]; readonly of: PersonBounds } | null;
  /** When each kind of stop was last a signal. */
  readonly signalled: Map<string, number>;
}

export const newPerson = (usual: number | null): Person => ({
  all: createTally(),
  devices: new Map(),
  usual,
  bounds: null,
  signalled: new Map(),
});

export function boundsOf(
  person: Person,
  asked: { readonly roles: readonly PersonRole[]; readonly share: number },
): PersonBounds {
  const { bounds, usual } = person;
  if (bounds?.roles === asked.roles) return bounds.of;
  const of = boundsFor({ ...asked, usual });
  person.bounds = { roles: asked.roles, of };
  return of;
}

/** Devices beyond the limit count as one, so that many make nobody freer. */
export function deviceOf({ devices }: Person, device: string): Tally {
  const name = devices.has(device) || devices.size < brakeLimits.devices ? device : "others";
  const known = devices.get(name);
  if (known !== undefined) return known;
  const made = createTally();
  devices.set(name, made);
  return made;
}

export function addTo(person: Person, device: string, showing: Showing, at: number): void {
  person.all.add(showing, at);
  deviceOf(person, device).add(showing, at);
}

const sizeOf = ({ all, devices }: Person): number =>
  [...devices.values()].reduce((sum, { size }) => sum + size, all.size);

/**
 * People by account, as many as brakeLimits.remembered allows: who was shown something longest ago is
 * forgotten first, and is read from the log again when she comes back.
 */
export interface People {
  get(account: string): Person | undefined;
  set(account: string, person: Person): void;
  /** To be called when a person's tallies have grown. */
  grown(account: string): void;
  readonly remembered: number;
}

export function createPeople(max: number = brakeLimits.remembered): People {
  const people = new Map<string, Person>();
  const sizes = new Map<string, number>();
  let remembered = 0;
  const drop = (account: string): void => {
    remembered -= sizes.get(account) ?? 0;
    sizes.delete(account);
    people.delete(account);
  };
  const measure = (account: string, person: Person): void => {
    const size = sizeOf(person) + 1;
    remembered += size - (sizes.get(account) ?? 0);
    sizes.set(account, size);
    for (const oldest of people.keys()) {
      if (remembered <= max || oldest === account) break;
      drop(oldest);
    }
  };
  return {
    get: (account) => people.get(account),
    set: (account, person) => {
      people.set(account, person);
      measure(account, person);
    },
    grown: (account) => {
      const person = people.get(account);
      if (person === undefined) return;
      people.delete(account);
      people.set(account, person);
      measure(account, person);
    },
    get remembered() {
      return remembered;
    },
  };
}
