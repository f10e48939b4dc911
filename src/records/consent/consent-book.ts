import type { Log } from "#audit/log.ts";
import type { Clock } from "#core/clock.ts";
import type { Pseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { BrokenInvariant, ok, type Result } from "#core/result.ts";
import { readRules, ruleRowsPerRead, type RulePoint } from "#records/consent/consent-store.ts";
import { forbids, type ConsentQuestion, type Provision } from "#records/consent/provision.ts";
import { openRule, type RuleDeps, type StoredRule } from "#records/consent/sealed-rule.ts";
import { keepFresh } from "#records/kept-fresh.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";

/**
 * What every patient's Consents forbid, in memory: policy is decided at once, so it can wait for
 * nothing, and most patients forbid nothing, so that asking costs one look-up in a map.
 */
export interface ConsentBook {
  forbids(patient: Pseudonym, asked: ConsentQuestion): boolean;
  /** Fails as "policy-unavailable" when the rules are not known to be fresh. */
  fresh(): Promise<Result<null>>;
  /** Reads what was committed before the call. */
  catchUp(): Promise<void>;
  close(): void;
}

export interface ConsentBookDeps extends RuleDeps {
  readonly db: Queryable;
  readonly clock: Clock;
}

interface BookState {
  /** By patient, then by the Consent's id. */
  readonly rules: Map<Pseudonym, Map<string, Provision>>;
  point: RulePoint;
}

function takeIn({ rules }: BookState, { source, patient, provision }: StoredRule): void {
  const known = rules.get(patient) ?? new Map<string, Provision>();
  if (provision === null) known.delete(source);
  else known.set(source, provision);
  if (known.size === 0) rules.delete(patient);
  else rules.set(patient, known);
}

/** Reads on until there is nothing newer. A reading that fails leaves what was read before it. */
async function readOn(state: BookState, deps: ConsentBookDeps): Promise<void> {
  for (let isMore = true; isMore;) {
    const rows = await readRules(deps.db, state.point);
    for (const row of rows) {
      const opened = await openRule(row, deps);
      if (!opened.ok) throw new BrokenInvariant(`a rule cannot be read: ${opened.problem.code}`);
      takeIn(state, opened.value);
      state.point = { epoch: row.epoch, source: row.source };
    }
    isMore = rows.length === ruleRowsPerRead;
  }
}

/** Reads all rules, and then every quarter of a second what is new. Resolves after the first attempt. */
export async function openConsentBook(deps: ConsentBookDeps): Promise<ConsentBook> {
  const state: BookState = { rules: new Map(), point: { epoch: 0, source: "" } };
  const kept = await keepFresh(() => readOn(state, deps), deps.clock);
  return {
    forbids: (patient, asked) => {
      const rules = state.rules.get(patient);
      if (rules === undefined) return false;
      return [...rules.values()].some((provision) => forbids(provision, asked));
    },
    fresh: async () => {
      // The reading under way may have begun too long ago, the one after that cannot.
      for (let readings = 0; readings < 2 && kept.isStale(); readings += 1) await kept.refresh();
      return kept.isStale()
        ? refuse("policy-unavailable", { detail: "Patients' Consents cannot be read." })
        : ok(null);
    },
    catchUp: () => kept.catchUp(),
    close: () => kept.close(),
  };
}

type RecordsLog = Pick<Log<Work, WriteOutcome>, "submit">;

const writesConsent = (work: Work | undefined): boolean =>
  work !== undefined && !("kind" in work) && work.rows.some(({ type }) => type === "Consent");

/** The log, answering for a Consent only when it is in force. */
export function awaitingConsents(log: RecordsLog, book: Pick<ConsentBook, "catchUp">): RecordsLog {
  return {
    submit: async (submission) => {
      const accepted = await log.submit(submission);
      if (accepted.ok && writesConsent(submission.work)) await book.catchUp();
      return accepted;
    },
  };
}
