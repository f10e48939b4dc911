import { existsSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { openKms, readKmsConfig, type KmsConfig } from "#keys/kms/config.ts";
import { failure, good, type Check, type Patient } from "#assembly/doctor/check.ts";
import { kmsTools } from "#assembly/kms-tools.ts";
import { rootPassphrase } from "#assembly/root-key.ts";

const name = "KMS";
const trialBytes = 32;
const trialContext = "phylax doctor trial v1";

/** Which KMS the home's keys folder names. Fails as readKmsConfig does. */
export function kmsOf({ home }: Pick<Patient, "home">): Promise<Result<KmsConfig>> {
  return readKmsConfig(join(home.path, "keys", "kms.json"));
}

/** Opens the KMS as the keys process would, and has it wrap and unwrap a throw-away key. */
export async function checkKms(
  { home, environment }: Pick<Patient, "home" | "environment">,
  config: KmsConfig,
): Promise<readonly Check[]> {
  const kms = await openKms(config, {
    folder: join(home.path, "keys"),
    passphrase: () => keptPassphrase({ home, environment }),
    random: systemRandom,
    tools: kmsTools,
  });
  if (!kms.ok) return [refusal(config, kms.problem.detail ?? kms.problem.code)];
  const startedAt = performance.now();
  const key = systemRandom.bytes(trialBytes);
  try {
    const wrapped = await kms.value.wrap(key, trialContext);
    const again = wrapped.ok ? await kms.value.unwrap(wrapped.value, trialContext) : wrapped;
    if (!again.ok) return [refusal(config, again.problem.detail ?? again.problem.code)];
    if (!again.value.equals(key)) return [refusal(config, "what it wrapped came back changed")];
    const ms = Math.ceil(performance.now() - startedAt);
    return [good(name, `${kms.value.describe()}; wraps and unwraps in ${ms} ms`)];
  } finally {
    await kms.value.close();
  }
}

/** Asked for only where there is one already: rootPassphrase would make what is missing. */
function keptPassphrase({
  home,
  environment,
}: Pick<Patient, "home" | "environment">): Result<string> {
  const { rootPassphrase: given, rootPassphraseFile: path } = environment;
  if (given === null && path === null && !existsSync(join(home.path, "passphrase", "root")))
    return refuse("root-key-refused", { detail: "there is no passphrase" });
  const secret = rootPassphrase(home, environment, systemRandom);
  return secret.ok ? ok(secret.value.passphrase) : secret;
}

function refusal(config: KmsConfig, why: string): Check {
  const next =
    config.kind === "file"
      ? "look at the passphrase and the root key file; docs/runbooks/lost-passphrase.md says what is left"
      : `see whether the module or service is up and lets this machine in (${config.kind})`;
  return failure(name, `the root key does not open: ${why}`, next);
}
