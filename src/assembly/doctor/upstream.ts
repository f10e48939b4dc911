import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";
import { connectUpstream, readUpstreamSettings } from "#assembly/upstream.ts";
import { fhirVersionOf } from "#records/upstream/client.ts";

const name = "Upstream";

/**
 * Where the records are another FHIR server's: that nothing is sealed there, so that whoever is at that
 * server has them unsecured (45 CFR 164.402), and whether it answers. Nothing where they are kept here.
 */
export async function checkUpstream({ home }: Pick<Patient, "home">): Promise<readonly Check[]> {
  const settings = await readUpstreamSettings(home);
  if (!settings.ok)
    return [failure(name, settings.problem.detail ?? settings.problem.code, "mend upstream.json")];
  if (settings.value === null) return [];
  const { origin, path } = settings.value.base;
  const faults: string[] = [];
  const opened = connectUpstream(home, settings.value, ({ code }) => faults.push(code ?? "fault"));
  if (!opened.ok)
    return [failure(name, opened.problem.detail ?? opened.problem.code, "mend upstream.json")];
  try {
    const answer = await opened.value.upstream.metadata();
    const version = answer.ok ? fhirVersionOf(answer.value) : answer;
    const isR4 = version.ok && version.value?.startsWith("4.0") === true;
    const unsealed = warning(
      name,
      `records are those of ${origin}${path}, and nothing is sealed there: in an incident at that server its PHI counts as unsecured (45 CFR 164.402)`,
      "keep that server's disks, backups and administrators in the risk analysis (docs/upstream.md)",
    );
    if (isR4) return [unsealed, good(name, "the server behind answers and speaks FHIR R4")];
    const why = faults[0] ?? (version.ok ? `FHIR ${version.value ?? "unknown"}` : "no metadata");
    return [
      unsealed,
      failure(name, `the server behind gives no usable answer (${why})`, "see docs/upstream.md"),
    ];
  } finally {
    await opened.value.close();
  }
}
