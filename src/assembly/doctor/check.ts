import type { Clock } from "#core/clock.ts";
import type { Environment } from "#assembly/environment.ts";
import type { Home, Settings } from "#assembly/home.ts";

/** What one look at the deployment found. "warn": it runs, but should not stay so. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  /** What was found, in one sentence; no secrets. */
  readonly says: string;
  /** What to do next; null when nothing is to be done. */
  readonly next: string | null;
}

/** What the doctor looks at. Nothing of it is changed. */
export interface Patient {
  readonly home: Home;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Whether the deployment runs at this moment. */
  readonly running: boolean;
}

export const good = (name: string, says: string): Check => ({
  name,
  state: "ok",
  says,
  next: null,
});

export const warning = (name: string, says: string, next: string): Check => ({
  name,
  state: "warn",
  says,
  next,
});

export const failure = (name: string, says: string, next: string): Check => ({
  name,
  state: "fail",
  says,
  next,
});
