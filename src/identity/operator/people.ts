import type { AccountId } from "#core/ids.ts";
import type { Problem } from "#core/problem.ts";
import { problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { namedAccount } from "#identity/operator/named-account.ts";
import {
  changePerson,
  leavePerson,
  personNotFound,
  sealPerson,
  searchPeople,
  showPerson,
  type AdministerDeps,
} from "#identity/people/administer.ts";
import type { Trail } from "#identity/trail.ts";

export interface OperatorPeopleDeps extends AdministerDeps {
  readonly trail: Trail;
}

export const operatorPeopleActions = ["list", "show", "change", "leave", "seal"] as const;
export type OperatorPeopleAction = (typeof operatorPeopleActions)[number];

/** What operators' commands may ask about people's accounts, by mutual TLS as role operator. */
export type OperatorPeople = Readonly<
  Record<OperatorPeopleAction, (body: JsonObject) => Promise<Answer>>
>;

/**
 * As administrators have it (people/administration.ts). `list` takes `{ name?, after? }`; the others
 * name the account as `person`, by its id or the operator's own. What changes something is in the
 * log before it is done, and a second entry says when it did not come to pass.
 */
export function createOperatorPeople(deps: OperatorPeopleDeps): OperatorPeople {
  const note = (name: string, id: AccountId | null, lost?: Problem): Promise<Problem | null> =>
    deps.trail.note({
      action: "administer",
      facts: null,
      actor: "process:operator",
      resourceId: id,
      reasons: lost === undefined ? [name] : [name, lost.code],
      ...(lost === undefined ? {} : { decision: "error" }),
    });
  const shown = async (name: string, id: AccountId | null, done: Answer): Promise<Answer> => {
    const unwritten = done.problem === undefined ? await note(name, id) : null;
    return unwritten === null ? done : problemAnswer(unwritten);
  };
  const altering =
    (name: string, act: (id: AccountId, body: JsonObject) => Promise<Answer>) =>
    async (body: JsonObject): Promise<Answer> => {
      const id = await namedAccount(deps, body, "person");
      if (id === null) return personNotFound;
      const unwritten = await note(name, id);
      if (unwritten !== null) return problemAnswer(unwritten);
      const done = await act(id, body);
      if (done.problem === undefined) return done;
      const unsaid = await note(name, id, done.problem);
      return unsaid === null ? done : problemAnswer(unsaid);
    };
  return {
    list: async (body) => shown("people-searched", null, await searchPeople(deps, body)),
    show: async (body) => {
      const id = await namedAccount(deps, body, "person");
      return id === null ? personNotFound : shown("person-shown", id, await showPerson(deps, id));
    },
    change: altering("person-changed", (id, body) => changePerson(deps, { by: null, id }, body)),
    leave: altering("person-left", (id) => leavePerson(deps, { by: null, id })),
    seal: altering("envelope-sealed", (id) => sealPerson(deps, { by: null, id })),
  };
}
