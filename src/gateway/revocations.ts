import type { Dispatcher } from "undici";
import type { Clock } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import { parseRevocationLine, revocationWire, type RevocationLine } from "#core/revocations.ts";
import type { Exchange } from "./exchange.ts";

/** Cuts the answers under way of whoever may not have them any more. */
export interface Revocations {
  /** Watches an exchange by the Authorization header that came with it, until it is over. */
  readonly guard: (exchange: Exchange, authorization: string) => void;
  readonly close: () => void;
}

export interface RevocationsDeps {
  readonly identity: Pick<Dispatcher, "request">;
  readonly clock: Clock;
  /** Told when identity has fallen silent, and when it speaks again. */
  readonly heard: (isHeard: boolean) => void;
  readonly staleMs?: number;
}

/** How long to wait before identity is asked again. */
const againMs = 100;

/**
 * The session that a token names. It is not verified here: records does that before a byte comes,
 * and whoever forges one can only have her own answer cut.
 */
export function sessionNamedBy(authorization: string): string | null {
  const payload = /^[A-Za-z]+ [^. ]*\.([^. ]*)\./.exec(authorization)?.[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const sid = isRecord(claims) ? claims["sid"] : null;
    return typeof sid === "string" ? sid : null;
  } catch {
    return null;
  }
}

/** Ends it with its connection: bytes that wait in the kernel for a slow reader shall not reach her. */
function breakOff(exchange: Exchange): void {
  if (!exchange.watch.reset()) exchange.cut();
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of body) {
    const parts = (rest + chunk.toString("utf8")).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > revocationWire.lineChars) return;
    yield* parts;
  }
}

/**
 * Follows what identity tells of ended sessions. While nothing was heard for a second, every
 * answer that has lasted longer is cut: nobody can say whether it still may go on.
 */
export function followRevocations(deps: RevocationsDeps): Revocations {
  const { identity, clock, heard, staleMs = revocationWire.staleMs } = deps;
  const open = new Map<Exchange, string>();
  const leave = new AbortController();
  let since: number | null = null;
  let heardMs = clock.monotonicMs();
  let isHeard = true;

  const tell = (now: boolean): void => {
    if (now !== isHeard) heard(now);
    isHeard = now;
  };
  const cutEnded = ({ ended }: RevocationLine): void => {
    if (ended.length === 0) return;
    const named = new Set<string>(ended === "all" ? [] : ended);
    for (const [exchange, authorization] of open) {
      const session = sessionNamedBy(authorization);
      if (ended === "all" || (session !== null && named.has(session))) breakOff(exchange);
    }
  };
  const cutOutlived = (): void => {
    const nowMs = clock.monotonicMs();
    if (nowMs - heardMs <= staleMs) return;
    tell(false);
    for (const exchange of open.keys())
      if (nowMs - exchange.meter.startedMs > staleMs) breakOff(exchange);
  };
  const followOnce = async (): Promise<void> => {
    const { path, since: name } = revocationWire;
    const { statusCode, body } = await identity.request({
      method: "GET",
      path: since === null ? path : `${path}?${name}=${since}`,
      headersTimeout: staleMs,
      bodyTimeout: staleMs,
      signal: leave.signal,
    });
    if (statusCode !== 200) {
      await body.dump();
      return;
    }
    for await (const text of linesOf(body)) {
      const line = parseRevocationLine(text);
      if (line === null) return;
      since = line.epoch;
      heardMs = clock.monotonicMs();
      tell(true);
      cutEnded(line);
    }
  };
  const again = (): void => {
    if (leave.signal.aborted) return;
    followOnce()
      .catch(() => undefined)
      .finally(() => setTimeout(again, againMs).unref());
  };
  again();
  const watch = setInterval(cutOutlived, againMs);
  watch.unref();
  return {
    guard: (exchange, authorization) => {
      open.set(exchange, authorization);
      exchange.watch.onClose(() => open.delete(exchange));
    },
    close: () => {
      leave.abort();
      clearInterval(watch);
    },
  };
}
