import { Readable } from "node:stream";
import type { Exchange } from "./exchange.ts";

export interface BodyOptions {
  readonly maxBytes: number;
  readonly nowMs: () => number;
  /** Called once when more than `maxBytes` came; the body then ends in an error. */
  readonly onTooLarge: () => void;
}

/**
 * The request body, counted as it passes and never more of it held than one buffer. It stands
 * apart from the connection: whoever destroys it leaves the connection whole, so that an answer
 * can still be sent.
 */
export function openBody(exchange: Exchange, options: BodyOptions): Readable {
  const { source, meter } = exchange;
  const onData = (chunk: Buffer): void => {
    meter.bytesIn += chunk.length;
    if (meter.bytesIn > options.maxBytes) {
      body.destroy(new Error("the body is larger than is accepted"));
      options.onTooLarge();
    } else if (!body.push(chunk)) {
      meter.receivingSinceMs = null;
      source.pause();
    }
  };
  const onEnd = (): void => {
    meter.receivingSinceMs = null;
    body.push(null);
  };
  const onBroken = (): void => {
    if (!source.readableEnded) body.destroy(new Error("the client broke off"));
  };
  const body = new Readable({
    read() {
      meter.receivingSinceMs ??= options.nowMs();
      source.resume();
    },
    destroy(error, done) {
      meter.receivingSinceMs = null;
      source.off("data", onData).off("end", onEnd).off("close", onBroken);
      source.pause();
      done(error);
    },
  });
  // Its user may be gone when it fails; what happened is told through the exchange.
  body.on("error", () => undefined);
  source.on("data", onData).on("end", onEnd).on("close", onBroken).on("error", onBroken);
  source.pause();
  exchange.sendContinue();
  return body;
}
