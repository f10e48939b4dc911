import { spawn } from "node:child_process";
import { Agent } from "undici";
import type { KmsTools, ProgramEnd, RunProgram } from "#keys/kms/tools.ts";

const connectTimeoutMs = 2_000;
const errorCharactersMax = 2_000;

/** Starts the program without a shell and with no other variables than those of the call. */
export const runProgram: RunProgram = (call) =>
  new Promise((resolve) => {
    const child = spawn(call.program, call.args, {
      env: call.variables,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    let outBytes = 0;
    let error = "";
    const end = (how: ProgramEnd): void => {
      clearTimeout(timer);
      resolve(how);
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      end({ end: "too-slow" });
    }, call.timeoutMs);
    child.once("error", () => end({ end: "missing" }));
    child.stdout.on("data", (part: Buffer) => {
      outBytes += part.length;
      if (outBytes <= call.outputBytesMax) out.push(part);
      else child.kill("SIGKILL");
    });
    child.stderr.on("data", (part: Buffer) => {
      if (error.length < errorCharactersMax) error += part.toString("utf8");
    });
    // A program that ends without reading breaks the pipe; its exit code tells the rest.
    child.stdin.on("error", () => {});
    child.stdin.end(call.input);
    child.once("close", (code) =>
      end({ end: "exit", code: code ?? -1, out: Buffer.concat(out), error }),
    );
  });

/** What the KMS adapters reach out with. */
export const kmsTools: KmsTools = {
  run: runProgram,
  connect: (authorities) =>
    new Agent({
      connect: { timeout: connectTimeoutMs, ...(authorities === null ? {} : { ca: authorities }) },
    }),
};
