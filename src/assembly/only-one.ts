import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Home } from "#assembly/home.ts";
import type { KeysHealth } from "#vault/vault.ts";

/** What a running deployment says of itself to whoever may read its home. */
export interface RunningStatus {
  readonly pid: number;
  readonly publicOrigin: string;
  readonly mode: "demo" | "empty";
  readonly since: string;
  readonly processes: Readonly<Record<string, number | null>>;
  /** Whether records can have keys: "grace" while it lives on those in memory; null while it does not run. */
  readonly keys: KeysHealth | null;
}

const answerMs = 1_000;
const answerMaxBytes = 64 * 1024;

/** Asks the supervisor of this home how it is; null when none runs. */
export function askStatus(home: Home): Promise<RunningStatus | null> {
  return new Promise((resolve) => {
    const socket = connect(home.socket("supervisor"));
    let heard = "";
    const give = (status: RunningStatus | null): void => {
      socket.destroy();
      resolve(status);
    };
    socket.setTimeout(answerMs, () => give(null));
    socket.setEncoding("utf8");
    socket.on("error", () => give(null));
    socket.on("data", (chunk: string) => {
      heard = (heard + chunk).slice(0, answerMaxBytes);
    });
    socket.on("end", () => {
      try {
        give(JSON.parse(heard) as RunningStatus);
      } catch {
        give(null);
      }
    });
  });
}

/**
 * Takes the home for this process. Null when another supervisor holds it. A socket is the lock, as
 * it needs no clean-up after kill -9: nobody answers on a dead one.
 */
export async function takeHome(
  home: Home,
  status: () => RunningStatus,
): Promise<{ release(): void } | null> {
  if ((await askStatus(home)) !== null) return null;
  const path = home.socket("supervisor");
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(JSON.stringify(status()));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  // Two starts in the same instant: the later one removed the earlier one's socket file.
  const holder = await askStatus(home);
  if (holder?.pid !== status().pid) {
    server.close();
    return null;
  }
  return { release: () => server.close() };
}
