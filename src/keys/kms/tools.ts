import type { Dispatcher } from "undici";
import type { Random } from "#core/random.ts";
import type { Result } from "#core/result.ts";
import type { PassphraseCost } from "#keys/kms/passphrase.ts";

/** How a program that was started ended; what it wrote is cut at `outputBytesMax`. */
export type ProgramEnd =
  | { readonly end: "exit"; readonly code: number; readonly out: Buffer; readonly error: string }
  | { readonly end: "missing" }
  | { readonly end: "too-slow" };

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  /** Standard input; secrets go here, never into `args`, which other users of the machine can read. */
  readonly input: Buffer;
  readonly variables: Readonly<Record<string, string>>;
  /** The program is killed after this. */
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
}

/** Runs a program to its end; never throws. */
export type RunProgram = (call: ProgramCall) => Promise<ProgramEnd>;

/** What reaches out of the process, made by the assembly. */
export interface KmsTools {
  readonly run: RunProgram;
  /** Connections that trust the authorities that Node.js brings, or only those of this PEM text. */
  connect(authorities: string | null): Dispatcher;
}

export interface KmsDeps {
  /** The keys folder, 0700: `root.key` of the kind "file" lies here unless its config says where. */
  readonly folder: string;
  /** Asked for the kind "file" alone. */
  readonly passphrase: () => Result<string>;
  readonly random: Random;
  readonly tools: KmsTools;
  /** For a new root key of the kind "file". */
  readonly cost?: PassphraseCost;
}
