import { parentPort } from "node:worker_threads";
import { ok } from "#core/result.ts";
import type { FromHsm, ToHsm } from "#keys/kms/pkcs11/messages.ts";
import { pack } from "#keys/kms/pkcs11/packed.ts";

/** An HSM that opens and then blocks its thread for a while at each job; data of "end" ends it. */
const blockedMs = 300;
const say = (message: FromHsm): void => parentPort?.postMessage(message, []);

parentPort?.on("message", (message: ToHsm) => {
  switch (message.order) {
    case "open":
      say({ said: "opened", result: ok(null) });
      break;
    case "work":
      if (Buffer.from(message.parts.bytes).toString() === "end") process.exit(1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs);
      say({
        said: "done",
        ids: message.ids,
        problems: message.ids.map(() => null),
        parts: pack(message.ids.map(() => new Uint8Array(1))),
      });
      break;
    case "close":
      say({ said: "closed" });
      break;
  }
});
