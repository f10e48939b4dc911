#!/usr/bin/env node
// Plain JavaScript, as it may be met by an older Node: it goes on under the pinned Node 24.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

function pinnedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    process.stderr.write(
      `phylax needs Node 24 or newer; this is ${process.version}, and the package ${name} is not installed.\n` +
        "Run `npm ci` in the project's folder, or put a newer Node first on the PATH.\n",
    );
    process.exit(69);
  }
}

if (Number(process.versions.node.split(".")[0]) >= 24) {
  process.argv[1] = main;
  await import(main);
} else {
  const child = spawn(pinnedNode(), [main, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
  });
}
