import { systemFipsProbe } from "#assembly/fips.ts";
import { checkCertificates } from "#assembly/doctor/certificates.ts";
import { failure, type Check, type Patient } from "#assembly/doctor/check.ts";
import { checkDatabase, serverFacts } from "#assembly/doctor/database.ts";
import { checkDisks, deviceOf } from "#assembly/doctor/disks.ts";
import { checkFips } from "#assembly/doctor/fips.ts";
import { checkKms, kmsOf } from "#assembly/doctor/kms.ts";
import { checkModes } from "#assembly/doctor/modes.ts";
import { checkPolicies } from "#assembly/doctor/policies.ts";
import { checkRing, newestEpoch } from "#assembly/doctor/ring.ts";
import { checkSpace, spaceOf } from "#assembly/doctor/space.ts";
import { checkClock } from "#assembly/doctor/time.ts";
import { checkUpstream } from "#assembly/doctor/upstream.ts";

/** Looks at everything, changes nothing. `uid` is the user's who asks; null where there is none. */
export async function examine(patient: Patient, uid: number | null): Promise<readonly Check[]> {
  const facts = await serverFacts(patient);
  const newest = await newestEpoch(patient);
  return [
    ...checkModes(patient, uid),
    ...(await checkKeys(patient)),
    await checkRing(patient),
    await checkPolicies(patient),
    ...checkFips(patient, systemFipsProbe),
    ...checkCertificates(patient),
    checkSpace(patient, await spaceOf(patient.home.path)),
    checkDatabase(facts, patient),
    checkClock(patient, newest?.createdAt ?? null, facts),
    ...(await checkUpstream(patient)),
  ];
}

async function checkKeys(patient: Patient): Promise<readonly Check[]> {
  const config = await kmsOf(patient);
  if (!config.ok) {
    const says = config.problem.detail ?? config.problem.code;
    return [
      failure("KMS", says, "put kms.json back from a backup of the keys: phylax keys restore"),
    ];
  }
  return [
    ...(await checkKms(patient, config.value)),
    ...checkDisks(patient, config.value, deviceOf),
  ];
}
