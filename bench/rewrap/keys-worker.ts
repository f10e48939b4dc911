import { createServer } from "node:http";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { invariant, ok } from "#core/result.ts";
import { openKeyHome } from "#keys/keys.ts";
import { createKeysServer } from "#keys/server.ts";
import { cheapCost, testPassphrase, testServerDeps } from "#keys/testing.ts";
import { kmsTools } from "#assembly/kms-tools.ts";

/** The keys process on a thread of its own, as it has a process of its own in a deployment. */
const { folder } = workerData as { readonly folder: string };
const home = await openKeyHome({
  folder: join(folder, "home"),
  choice: null,
  passphrase: () => ok(testPassphrase),
  random: systemRandom,
  clock: systemClock,
  cost: cheapCost,
  tools: kmsTools,
});
invariant(home.ok && parentPort !== null, "this file runs as a worker with a folder of its own");
for (const role of ["operator", "records"] as const) {
  const server = createServer(createKeysServer(testServerDeps(home.value, { peerOf: () => role })));
  await new Promise<void>((resolve) => {
    server.listen(join(folder, role), resolve);
  });
}
parentPort.postMessage("ready", []);
