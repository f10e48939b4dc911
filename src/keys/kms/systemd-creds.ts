import { createHash } from "node:crypto";
import { ok, unreachable, type Result } from "#core/result.ts";
import { refusedRoot, unavailable } from "#keys/kms/failures.ts";
import { oneOf, parseShape } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { firstLine } from "#keys/kms/program-words.ts";
import type { KmsTools, ProgramEnd, RunProgram } from "#keys/kms/tools.ts";

/**
 * Keys sealed by systemd-creds, under a secret of this machine's disk, its TPM 2.0, or both. What
 * one machine sealed another cannot open: keep a second way, such as the escrow.
 */
export interface SystemdCredsConfig {
  readonly kind: "systemd-creds";
  /** Only `tpm2` and `host+tpm2` keep a stolen disk from holding its own key. */
  readonly with: "host" | "tpm2" | "host+tpm2";
}

const limits = { answerMs: 10_000, outputBytes: 16_384 } as const;
const program = "systemd-creds";

/** Null when the value is not this kind's choice. */
export function parseSystemdCredsConfig(value: unknown): SystemdCredsConfig | null {
  const needs = { kind: oneOf("systemd-creds"), with: oneOf("host", "tpm2", "host+tpm2") };
  return parseShape(value, { needs, may: {} });
}

export function openSystemdCredsKms(config: SystemdCredsConfig, { run }: KmsTools): Kms {
  const start = (args: readonly string[], input: Buffer): Promise<ProgramEnd> =>
    call(run, args, input);
  return {
    name: "systemd-creds",
    wrap: async (kek, context) => {
      const args = ["encrypt", `--with-key=${config.with}`, `--name=${nameOf(context)}`, "-", "-"];
      const sealed = outputOf(await start(args, kek), "wrap");
      // It writes base64 in lines; the ring file has its own text form.
      return sealed.ok ? ok(Buffer.from(sealed.value.toString("ascii"), "base64")) : sealed;
    },
    unwrap: async (wrapped, context) => {
      const args = ["decrypt", `--name=${nameOf(context)}`, "-", "-"];
      return outputOf(await start(args, Buffer.from(wrapped.toString("base64"))), "unwrap");
    },
    describe: () => `systemd-creds of this machine, with the key of ${config.with}`,
    close: () => Promise.resolve(),
  };
}

/** The name is authenticated and must be fit for a file, so the context goes in as its hash. */
function nameOf(context: string): string {
  return `phylax-${createHash("sha256").update(context).digest("hex")}`;
}

function call(run: RunProgram, args: readonly string[], input: Buffer): Promise<ProgramEnd> {
  return run({
    program,
    args,
    input,
    variables: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    timeoutMs: limits.answerMs,
    outputBytesMax: limits.outputBytes,
  });
}

/** What it says when neither key nor name are at fault. */
const broken = /TPM2?|tss|not supported|No such file|Permission denied|Operation not permitted/i;

function outputOf(end: ProgramEnd, what: "wrap" | "unwrap"): Result<Buffer> {
  switch (end.end) {
    case "missing":
      return unavailable("the program systemd-creds is not installed");
    case "too-slow":
      return unavailable(`systemd-creds did not answer within ${limits.answerMs} ms`);
    case "exit": {
      if (end.code === 0 && end.out.length > 0) return ok(end.out);
      const said = firstLine(end.error);
      return what === "wrap" || broken.test(said)
        ? unavailable(`systemd-creds does not ${what}: ${said}`)
        : refusedRoot(`systemd-creds does not open it: ${said}`);
    }
    default:
      return unreachable(end);
  }
}
