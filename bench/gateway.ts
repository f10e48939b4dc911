import type { Figure } from "./figure.ts";
import { startHello, type Hello } from "./gateway/hello.ts";
import { type Load, type LoadOptions, loadHttp1, loadHttp2, type Target } from "./gateway/load.ts";

const clients = 16;
const warmUpMs = 1_500;
const measureMs = 4_000;

interface Measured extends Load {
  readonly cpuMicrosPerRequest: number;
}

async function measure(
  { part, target }: Hello["direct"],
  load: (target: Target, options: LoadOptions) => Promise<Load>,
): Promise<Measured> {
  const cpu: number[] = [];
  const mark = async (): Promise<void> => {
    cpu.push((await part.cpu()).cpuMicros);
  };
  const loaded = await load(target, { clients, warmUpMs, measureMs, mark });
  const [begin = 0, end = 0] = cpu;
  return { ...loaded, cpuMicrosPerRequest: (end - begin) / Math.max(1, loaded.requests) };
}

/** A bare Fastify hello behind the gateway and mutual TLS, against the same hello directly over TLS. */
export async function run(): Promise<Figure[]> {
  const hello = await startHello();
  try {
    const direct = await measure(hello.direct, loadHttp1);
    const through = await measure(hello.through, loadHttp1);
    const throughHttp2 = await measure(hello.through, loadHttp2);
    const { rssBytes } = await hello.through.part.cpu();
    return figures(direct, through, throughHttp2, rssBytes);
  } finally {
    hello.stop();
  }
}

function figures(direct: Measured, through: Measured, http2: Measured, rssBytes: number): Figure[] {
  const against = "the hello directly over TLS";
  return [
    { name: "hello directly over TLS", value: direct.requestsPerSecond, unit: "requests/s" },
    {
      name: "hello through gateway and mutual TLS, HTTP/1.1",
      value: through.requestsPerSecond,
      unit: "requests/s",
      ratio: through.requestsPerSecond / direct.requestsPerSecond,
      against,
    },
    {
      name: "hello through gateway and mutual TLS, HTTP/2",
      value: http2.requestsPerSecond,
      unit: "requests/s",
      ratio: http2.requestsPerSecond / direct.requestsPerSecond,
      against,
    },
    {
      name: "the gateway's own CPU a request, HTTP/1.1",
      value: through.cpuMicrosPerRequest,
      unit: "µs",
      ceiling: 120,
      ratio: through.cpuMicrosPerRequest / direct.cpuMicrosPerRequest,
      against: "the hello's own",
    },
    {
      name: "the gateway's own CPU a request, HTTP/2",
      value: http2.cpuMicrosPerRequest,
      unit: "µs",
      ratio: http2.cpuMicrosPerRequest / direct.cpuMicrosPerRequest,
      against: "the hello's own",
    },
    {
      name: "memory of the gateway after both",
      value: rssBytes / 1024 / 1024,
      unit: "MiB",
    },
  ];
}
