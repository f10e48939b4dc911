import { parentPort } from "node:worker_threads";
import { ok } from "#core/result.ts";
import { unavailable } from "#keys/kms/failures.ts";
import { openDesk, type HsmDesk } from "#keys/kms/pkcs11/desk.ts";
import type { FromHsm, ToHsm } from "#keys/kms/pkcs11/messages.ts";

/**
 * The thread that a PKCS#11 module blocks while the HSM works: one that hangs holds up this thread
 * and neither the event loop nor the pool that files and names are read with.
 */
let desk: HsmDesk | null = null;
const say = (message: FromHsm): void => parentPort?.postMessage(message, []);

parentPort?.on("message", (message: ToHsm) => {
  switch (message.order) {
    case "open": {
      const opened = openDesk(message);
      if (opened.ok) desk = opened.value;
      say({ said: "opened", result: opened.ok ? ok(null) : opened });
      break;
    }
    case "work": {
      const done = message.jobs.map((job) => ({
        id: job.id,
        result: desk?.work(job) ?? unavailable("the HSM was not opened"),
      }));
      say({ said: "done", done });
      break;
    }
    case "close": {
      desk?.close();
      say({ said: "closed" });
      break;
    }
  }
});
