import { parentPort } from "node:worker_threads";
import { ok } from "#core/result.ts";
import { unavailable } from "#keys/kms/failures.ts";
import { openDesk, type HsmDesk } from "#keys/kms/pkcs11/desk.ts";
import type { FromHsm, ToHsm } from "#keys/kms/pkcs11/messages.ts";
import { pack, unpack, type Packed } from "#keys/kms/pkcs11/packed.ts";

/**
 * The thread that a PKCS#11 module blocks while the HSM works: one that hangs holds up this thread
 * and neither the event loop nor the pool that files and names are read with.
 */
let desk: HsmDesk | null = null;
const none = new Uint8Array();
const say = (message: FromHsm, moved: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, moved);

function work(ids: readonly number[], asked: Packed): void {
  const inputs = unpack(asked);
  const results = ids.map((_, i) => {
    const [nonce = none, aad = none, data = none] = inputs.slice(3 * i, 3 * i + 3);
    return desk?.work({ nonce, aad, data }) ?? unavailable("the HSM was not opened");
  });
  asked.bytes.fill(0);
  const outputs = results.map((result) => (result.ok ? result.value : none));
  const parts = pack(outputs);
  for (const output of outputs) output.fill(0);
  const problems = results.map((result) => (result.ok ? null : result.problem));
  say({ said: "done", ids, problems, parts }, [parts.bytes.buffer]);
}

parentPort?.on("message", (message: ToHsm) => {
  switch (message.order) {
    case "open": {
      const opened = openDesk(message);
      if (opened.ok) desk = opened.value;
      say({ said: "opened", result: opened.ok ? ok(null) : opened });
      break;
    }
    case "work":
      work(message.ids, message.parts);
      break;
    case "close": {
      desk?.close();
      say({ said: "closed" });
      break;
    }
  }
});
