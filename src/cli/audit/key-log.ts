import { existsSync } from "node:fs";
import { keysFolder } from "#assembly/exposure.ts";
import type { Home } from "#assembly/home.ts";
import { askStatus } from "#assembly/only-one.ts";
import { openOperator } from "#assembly/operator.ts";
import type { KeyLogHead } from "#core/key-wire.ts";
import { verifyKeyLog, type KeyLogReport } from "#keys/key-log.ts";

/** How far the running keys process says that its log reaches; null when none runs or answers. */
async function runningHead(home: Home): Promise<KeyLogHead | null> {
  if ((await askStatus(home)) === null) return null;
  const operator = await openOperator(home);
  try {
    const status = await operator.keys.status();
    return status.ok ? status.value.log : null;
  } finally {
    await operator.close();
  }
}

/**
 * Checks the keys process's own log, against the running process too. Null when this home has no
 * keys: they are on another machine. Throws what the file system throws.
 */
export async function checkKeyLog(home: Home): Promise<KeyLogReport | null> {
  const folder = keysFolder(home);
  if (!existsSync(folder)) return null;
  // Asked for before the file is read, so that the file must reach at least as far.
  const head = await runningHead(home);
  return verifyKeyLog(folder, head === null || head.lines === 0 ? [] : [head]);
}
