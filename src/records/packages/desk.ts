import type { IncomingMessage } from "node:http";
import type { Log } from "#audit/log.ts";
import { auditEntry } from "#core/audit-entry.ts";
import type { Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { definitionKinds } from "#records/fhir/conformance.ts";
import { jsonAnswer, readBody, type Answer } from "#records/http.ts";
import { operatorOf, type Operator } from "#records/operator.ts";
import type { InstalledPackages } from "#records/packages/installed.ts";
import { isInstalled, storePackage } from "#records/packages/package-store.ts";
import { packageLimits, readPackage, type FhirPackage } from "#records/packages/read-package.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";
import type { Database } from "#storage/database.ts";

export interface PackageDeskDeps {
  readonly db: Database;
  readonly log: Pick<Log<Work, WriteOutcome>, "submit">;
  readonly clock: Clock;
  readonly random: Random;
  readonly packages: InstalledPackages;
}

/** What an archive came to: how many definitions of each kind are known by it. */
export interface Installation {
  readonly name: string;
  readonly version: string;
  /** False when this very archive was installed before. */
  readonly changed: boolean;
  readonly definitions: Readonly<Record<string, number>>;
}

function installationOf(found: FhirPackage, changed: boolean): Installation {
  const { name, version, definitions } = found;
  const counts = definitionKinds.map(
    (kind) => [kind, definitions.filter((each) => each.kind === kind).length] as const,
  );
  return { name, version, changed, definitions: Object.fromEntries(counts) };
}

/** Stores the package once it is in the log who asked for it, and takes it into use. */
async function install(
  deps: PackageDeskDeps,
  operator: Operator,
  found: FhirPackage,
): Promise<Result<null>> {
  const entry = auditEntry({
    ...operator,
    action: "package-install",
    decision: "permit",
    role: "operator",
    zone: "operator",
    purpose: "SYSADMIN",
    reasons: [`${found.name}#${found.version}`],
    count: found.definitions.length,
  });
  const told = await deps.log.submit({ entries: () => [entry] });
  if (!told.ok) return told;
  const by = { actor: operator.actor ?? "", at: new Date(operator.time) };
  const stored = await storePackage(deps.db, found, by);
  return stored.ok ? deps.packages.refresh() : stored;
}

/**
 * `POST /internal/fhir/packages`, a FHIR package as it is, for an operator's command; the caller
 * must have checked that the peer's role is operator. Answers the Installation. Durable and in use
 * when answered; other processes follow within seconds. Fails as "package-refused" in words.
 */
export async function installPackage(
  deps: PackageDeskDeps,
  request: IncomingMessage,
): Promise<Result<Answer>> {
  if (request.headers["content-type"] !== "application/gzip")
    return refuse("media-type-unsupported", { at: "Content-Type" });
  const body = await readBody(request, packageLimits.archiveBytes);
  if (!body.ok) return body;
  const found = await readPackage(body.value);
  if (!found.ok) return found;
  const known = await isInstalled(deps.db, found.value);
  if (!known.ok) return known;
  if (!known.value) {
    const operator = operatorOf(request, deps.clock.now(), deps.random);
    const installed = await install(deps, operator, found.value);
    if (!installed.ok) return installed;
  }
  return ok(jsonAnswer(installationOf(found.value, !known.value)));
}
