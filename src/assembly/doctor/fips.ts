import type { FipsProbe } from "#assembly/fips.ts";
import { testFips } from "#assembly/fips.ts";
import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";

const name = "FIPS";
const install =
  "install a validated OpenSSL FIPS provider and point OPENSSL_CONF at it (docs/keys.md, FIPS)";

/** Whether a FIPS provider is at work, and what the operator says of it. */
export function checkFips(
  { environment }: Pick<Patient, "environment">,
  probe: FipsProbe,
): readonly Check[] {
  const { fipsRequired, fipsModule, fipsCertificate } = environment;
  const found = testFips(probe);
  const report = fipsRequired ? failure : warning;
  if (found.state === "on")
    return [good(name, `a provider is at work and refuses MD5; ${configured(environment)}`)];
  if (found.state === "unproven") return [report(name, found.why, install)];
  if (fipsRequired)
    return [failure(name, "PHYLAX_FIPS asks for FIPS mode, and there is no provider", install)];
  if (fipsModule === null && fipsCertificate === null)
    return [good(name, "not asked for; node:crypto runs on its own OpenSSL, not validated")];
  const says = `a module is named (${configured(environment)}), but node:crypto does not run on it`;
  return [warning(name, says, install)];
}

/** Shown as it was configured: only the CMVP's own list tells whether a certificate is active. */
function configured({ fipsModule, fipsCertificate }: Patient["environment"]): string {
  return `module ${fipsModule ?? "not named (PHYLAX_FIPS_MODULE)"}, certificate ${fipsCertificate ?? "not named (PHYLAX_FIPS_CERTIFICATE)"}`;
}
