import { connect as connectHttp2 } from "node:http2";
import { connect, type TLSSocket } from "node:tls";

export interface Target {
  readonly port: number;
  readonly ca: string;
  readonly host: string;
  readonly path: string;
}

export interface Load {
  readonly requestsPerSecond: number;
  readonly requests: number;
}

export interface LoadOptions {
  readonly clients: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Called when counting begins and when it ends, so that others measure the same span. */
  readonly mark: (at: "begin" | "end") => Promise<void>;
}

/**
 * Keeps `clients` connections busy, each asking again as soon as it was answered. All answers are
 * of one length, so that the generator counts bytes and hardly costs anything itself.
 */
export async function loadHttp1(target: Target, options: LoadOptions): Promise<Load> {
  const request = Buffer.from(`GET ${target.path} HTTP/1.1\r\nhost: ${target.host}\r\n\r\n`);
  let answered = 0;
  let going = true;
  const sockets = await Promise.all(
    Array.from({ length: options.clients }, () => openSocket(target)),
  );
  for (const socket of sockets) {
    let length = 0;
    let seen = 0;
    socket.on("data", (chunk: Buffer) => {
      length = length === 0 ? chunk.length : length;
      seen += chunk.length;
      if (seen < length) return;
      seen -= length;
      answered += 1;
      if (going) socket.write(request);
    });
    socket.write(request);
  }
  const load = await measure(options, () => answered);
  going = false;
  for (const socket of sockets) socket.destroy();
  return load;
}

function openSocket({ port, ca, host }: Target): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: host });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The same over one HTTP/2 connection with `clients` streams at once. */
export async function loadHttp2(target: Target, options: LoadOptions): Promise<Load> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const { port, ca, host } = target;
    const opened = connect({
      host: "127.0.0.1",
      port,
      ca,
      servername: host,
      ALPNProtocols: ["h2"],
    });
    opened.once("secureConnect", () => resolve(opened));
    opened.once("error", reject);
  });
  const session = connectHttp2(`https://${target.host}`, { createConnection: () => socket });
  let answered = 0;
  let going = true;
  const askAgain = (): void => {
    const stream = session.request({ ":path": target.path, ":authority": target.host });
    stream.on("close", () => {
      answered += 1;
      if (going) askAgain();
    });
    stream.resume();
  };
  for (let client = 0; client < options.clients; client += 1) askAgain();
  const load = await measure(options, () => answered);
  going = false;
  session.destroy();
  return load;
}

async function measure(options: LoadOptions, answered: () => number): Promise<Load> {
  await pause(options.warmUpMs);
  await options.mark("begin");
  const from = { at: performance.now(), answered: answered() };
  await pause(options.measureMs);
  const seconds = (performance.now() - from.at) / 1000;
  const requests = answered() - from.answered;
  await options.mark("end");
  return { requests, requestsPerSecond: requests / seconds };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
