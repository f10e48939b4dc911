import { createHash, timingSafeEqual } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ok, unreachable, type Result } from "#core/result.ts";
import { refusedRoot, unavailable } from "#keys/kms/failures.ts";
import { oneOf, parseShape, text } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { lastLine } from "#keys/kms/program-words.ts";
import type { ProgramEnd, RunProgram } from "#keys/kms/tools.ts";

/** Each KEK is a sealed object of this machine's TPM 2.0, which no other machine can open. */
export interface TpmConfig {
  readonly kind: "tpm";
  /** How tpm2-tools reach it; null: `device:/dev/tpmrm0`, the kernel's resource manager. */
  readonly tcti: string | null;
  /** Such as `sha256:7`: opens only while these registers are as they were; null: always. */
  readonly pcrs: string | null;
}

const limits = { answerMs: 10_000, outputBytes: 4_096 } as const;
const hashBytes = 32;
/** TPM 2.0 Part 2, MAX_SYM_DATA: what one sealed object holds. */
const sealedBytesMax = 128;
const resourceManager = "device:/dev/tpmrm0";

/** Null when the value is not this kind's choice. */
export function parseTpmConfig(value: unknown): TpmConfig | null {
  return parseShape(value, {
    needs: { kind: oneOf("tpm") },
    may: {
      tcti: text(/^[a-z]+:[\w./=,:-]{1,200}$/),
      pcrs: text(/^sha(?:1|256|384):[0-9]{1,2}(?:,[0-9]{1,2}){0,23}$/),
    },
  });
}

interface TpmDeps {
  readonly run: RunProgram;
  /** For short-lived files; they hold nothing that is not sealed by the TPM. */
  readonly folder: string;
}

export function openTpmKms(config: TpmConfig, deps: TpmDeps): Kms {
  // The TPM does one thing at a time, and its room for loaded objects is small.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: (bench: Bench) => Promise<Result<Buffer>>): Promise<Result<Buffer>> => {
    const next = last.then(() => withBench(config, deps, work));
    last = next;
    return next;
  };
  return {
    name: "tpm",
    wrap: (kek, context) => inTurn((bench) => seal(config, bench, { kek, context })),
    unwrap: (wrapped, context) => inTurn((bench) => unseal(config, bench, { wrapped, context })),
    describe: () =>
      `the TPM 2.0 of this machine (${config.tcti ?? resourceManager})` +
      (config.pcrs === null ? "" : `, registers ${config.pcrs}`),
    close: async () => {
      await last;
    },
  };
}

/** A folder for one piece of work, and tpm2-tools that work in it. */
interface Bench {
  path(name: string): string;
  tool(name: string, args: readonly string[], input?: Buffer): Promise<Result<Buffer>>;
}

async function withBench(
  config: TpmConfig,
  { run, folder }: TpmDeps,
  work: (bench: Bench) => Promise<Result<Buffer>>,
): Promise<Result<Buffer>> {
  const place = await mkdtemp(join(folder, "tpm-"));
  const tcti = config.tcti ?? resourceManager;
  const start: Bench["tool"] = async (program, args, input = Buffer.alloc(0)) =>
    outputOf(
      program,
      await run({
        program,
        args,
        input,
        variables: { PATH: "/usr/bin:/bin", LC_ALL: "C", TPM2TOOLS_TCTI: tcti },
        timeoutMs: limits.answerMs,
        outputBytesMax: limits.outputBytes,
      }),
    );
  const tool: Bench["tool"] = async (program, args, input) => {
    const done = await start(program, args, input);
    if (!managed.test(tcti)) await start("tpm2_flushcontext", ["-t"]);
    return done;
  };
  try {
    return await work({ path: (name) => join(place, name), tool });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Where nobody manages the TPM's room, what a tool loaded stays there and soon fills it. */
const managed = /^(?:device:\/dev\/tpmrm|tabrmd:)/;

function outputOf(program: string, end: ProgramEnd): Result<Buffer> {
  switch (end.end) {
    case "missing":
      return unavailable(`the program ${program} is not installed`);
    case "too-slow":
      return unavailable(`the TPM did not answer within ${limits.answerMs} ms`);
    case "exit": {
      if (end.code === 0) return ok(end.out);
      const said = `${program}: ${lastLine(end.error)}`;
      return isForeign.test(end.error)
        ? refusedRoot(`this TPM does not open it (${said})`)
        : unavailable(`the TPM does not work (${said})`);
    }
    default:
      return unreachable(end);
  }
}

/** TPM_RC_INTEGRITY, _POLICY_FAIL and malformed blobs: TPM 2.0 Part 2 §6.6.3. */
const isForeign =
  /integrity check fail|policy (?:check|failure)|0x1DF|0x99D|structure is the wrong size|unmarshal|mu:|is not valid/i;

/** The same primary key comes of the owner's seed each time, so none has to be kept. */
function primary(bench: Bench): Promise<Result<Buffer>> {
  const form = ["-g", "sha256", "-G", "ecc256:aes128cfb"];
  return bench.tool("tpm2_createprimary", ["-Q", "-C", "o", ...form, "-c", bench.path("primary")]);
}

const fixed = "fixedtpm|fixedparent|noda";

async function seal(
  { pcrs }: TpmConfig,
  bench: Bench,
  { kek, context }: { kek: Buffer; context: string },
): Promise<Result<Buffer>> {
  const plain = Buffer.concat([hashOf(context), kek]);
  if (plain.length > sealedBytesMax) return refusedRoot("this is too long to be sealed");
  const [publicPart, privatePart] = [bench.path("public"), bench.path("private")];
  const made = await primary(bench);
  if (!made.ok) return made;
  const access = await policyOf(pcrs, bench);
  if (!access.ok) return access;
  const files = ["-u", publicPart, "-r", privatePart, "-i", "-"];
  const args = ["-Q", "-C", bench.path("primary"), ...files, ...access.value];
  const sealed = await bench.tool("tpm2_create", args, plain);
  plain.fill(0);
  return sealed.ok ? ok(join2(await readFile(publicPart), await readFile(privatePart))) : sealed;
}

/** Without a policy the empty password opens it; with one, nothing but the policy does. */
async function policyOf(pcrs: string | null, bench: Bench): Promise<Result<readonly string[]>> {
  if (pcrs === null) return ok(["-a", `${fixed}|userwithauth`]);
  const policy = bench.path("policy");
  const made = await bench.tool("tpm2_createpolicy", [
    "-Q",
    "--policy-pcr",
    "-l",
    pcrs,
    "-L",
    policy,
  ]);
  return made.ok ? ok(["-a", fixed, "-L", policy]) : made;
}

async function unseal(
  { pcrs }: TpmConfig,
  bench: Bench,
  { wrapped, context }: { wrapped: Buffer; context: string },
): Promise<Result<Buffer>> {
  const parts = split2(wrapped);
  if (parts === null) return refusedRoot("this is no key that a TPM sealed");
  const [publicPart, privatePart] = [bench.path("public"), bench.path("private")];
  await writeFile(publicPart, parts[0]);
  await writeFile(privatePart, parts[1]);
  const made = await primary(bench);
  if (!made.ok) return made;
  const object = bench.path("object");
  const files = ["-u", publicPart, "-r", privatePart, "-c", object];
  const loaded = await bench.tool("tpm2_load", ["-Q", "-C", bench.path("primary"), ...files]);
  if (!loaded.ok) return loaded;
  const access = pcrs === null ? [] : ["-p", `pcr:${pcrs}`];
  const opened = await bench.tool("tpm2_unseal", ["-c", object, ...access]);
  return opened.ok ? unpack(opened.value, context) : opened;
}

const hashOf = (context: string): Buffer => createHash("sha256").update(context).digest();

/** A sealed object has no associated data, so the context's hash is sealed with the key. */
function unpack(plain: Buffer, context: string): Result<Buffer> {
  const isOurs =
    plain.length > hashBytes && timingSafeEqual(plain.subarray(0, hashBytes), hashOf(context));
  const kek = isOurs ? Buffer.from(plain.subarray(hashBytes)) : null;
  plain.fill(0);
  return kek === null ? refusedRoot("this key was wrapped for another context") : ok(kek);
}

/** Two byte strings as one, the first behind its length in two bytes. */
function join2(first: Buffer, second: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(first.length);
  return Buffer.concat([length, first, second]);
}

function split2(joined: Buffer): readonly [Buffer, Buffer] | null {
  if (joined.length < 2) return null;
  const end = 2 + joined.readUInt16BE();
  return end < joined.length ? [joined.subarray(2, end), joined.subarray(end)] : null;
}
