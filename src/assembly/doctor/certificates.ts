import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#core/clock.ts";
import { certificateEndsAt } from "#core/net.ts";
import { failure, good, warning, type Check, type Patient } from "#assembly/doctor/check.ts";

const name = "Certificates";
const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

interface Watched {
  readonly what: string;
  readonly path: string;
  /** Below this it should have been renewed. */
  readonly renewBeforeMs: number;
  readonly next: string;
  /** Made anew at each start, so that an old one harms only while something runs. */
  readonly atStart: boolean;
}

function watchedIn({ home }: Pick<Patient, "home">): readonly Watched[] {
  const restart = "stop Phylax and start it again: the certificate is made anew";
  return [
    {
      what: "the deployment's authority",
      path: join(home.path, "authority", "authority.crt"),
      renewBeforeMs: 180 * dayMs,
      next: "plan a new authority: every browser and machine that trusts the old one must trust it",
      atStart: false,
    },
    {
      what: "the public certificate",
      path: join(home.path, "certificates", "public.json"),
      renewBeforeMs: 14 * dayMs,
      next: restart,
      atStart: true,
    },
    ...["keys", "identity", "records", "gateway"].map((role) => ({
      what: `the certificate of ${role}`,
      path: join(home.path, "certificates", `${role}.json`),
      renewBeforeMs: 6 * hourMs,
      next: restart,
      atStart: true,
    })),
  ];
}

function endOf(path: string): number | null {
  if (!existsSync(path)) return null;
  try {
    const text = readFileSync(path, "utf8");
    const pem = path.endsWith(".json") ? certificateIn(JSON.parse(text)) : text;
    return certificateEndsAt(pem).getTime();
  } catch {
    return null;
  }
}

function certificateIn(value: unknown): string {
  return typeof value === "object" && value !== null && "cert" in value ? String(value.cert) : "";
}

/** That no certificate has ended or will before it is renewed. */
export function checkCertificates(
  patient: Pick<Patient, "home" | "running"> & { readonly clock: Clock },
): readonly Check[] {
  const { clock, running } = patient;
  const watched = watchedIn(patient).filter(({ atStart }) => running || !atStart);
  const found = watched.flatMap(({ what, path, renewBeforeMs, next }) => {
    const end = endOf(path);
    if (end === null) return [failure(name, `${what} is missing or damaged (${path})`, next)];
    const left = end - clock.now();
    const until = new Date(end).toISOString();
    if (left <= 0) return [failure(name, `${what} ended at ${until}`, next)];
    if (left < renewBeforeMs) return [warning(name, `${what} ends at ${until}`, next)];
    return [];
  });
  if (found.length > 0) return found;
  const rest = running ? "" : "; the others are made anew at the next start";
  return [good(name, `${watched.length} looked at, none ends soon${rest}`)];
}
