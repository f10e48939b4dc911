import { readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import { jsonOf, listOf, wholeNumber } from "#keys/shape.ts";

/** What hours were like for each host, and what is usual from that. */
export interface BrakeHours {
  /** Patients in an hour that are no surprise; null until a day's hours are known. */
  usual(host: string): number | null;
  /** Adds an hour and keeps it in the file. Throws what the file system throws. */
  add(host: string, patients: number): Promise<void>;
}

export const hoursLimits = {
  /** Two weeks of a host that works around the clock. */
  hours: 336,
  hoursMin: 24,
  hosts: 64,
  fileBytes: 512 * 1024,
  hostCharacters: 96,
} as const;

/** Fewer patients than this are never a storm: a small practice's hours differ widely. */
const usualMin = 200;
const share = 0.9;
const multiple = 3;

/**
 * Three times the hour that nine of ten stay below: a single wild hour, or one in ten, moves it
 * hardly, so that who wants much cannot quickly teach that much is usual.
 */
export function usualOf(hours: readonly number[]): number | null {
  if (hours.length < hoursLimits.hoursMin) return null;
  const rising = [...hours].sort((a, b) => a - b);
  const high = rising[Math.floor((rising.length - 1) * share)] ?? 0;
  return Math.max(usualMin, multiple * high);
}

/** Reads the file; one that is missing or has not the form teaches nothing. */
export async function openBrakeHours(path: string): Promise<BrakeHours> {
  const hosts = new Map(await readHours(path));
  const usual = new Map([...hosts].map(([host, hours]) => [host, usualOf(hours)]));
  let writing: Promise<void> = Promise.resolve();
  return {
    usual: (host) => usual.get(host) ?? null,
    add: (host, patients) => {
      if (!hosts.has(host) && hosts.size >= hoursLimits.hosts) return Promise.resolve();
      const hours = [...(hosts.get(host) ?? []), patients].slice(-hoursLimits.hours);
      hosts.set(host, hours);
      usual.set(host, usualOf(hours));
      const text = `${JSON.stringify(Object.fromEntries(hosts))}\n`;
      const written = writing.then(() => writePrivateFile(path, text));
      writing = written.catch(() => {});
      return written;
    },
  };
}

async function readHours(path: string): Promise<readonly (readonly [string, readonly number[]])[]> {
  const file = await readPrivateFile(path, hoursLimits.fileBytes);
  const value = file.found === "text" ? jsonOf(file.text) : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const hosts = Object.entries(value).slice(0, hoursLimits.hosts);
  return hosts.flatMap(([host, hours]) => {
    const counts = listOf(hours, hoursLimits.hours, (count) =>
      wholeNumber(count, 1, Number.MAX_SAFE_INTEGER),
    );
    return counts === null || host.length > hoursLimits.hostCharacters ? [] : [[host, counts]];
  });
}
