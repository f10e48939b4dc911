import type { ReactNode } from "react";
import { Waiting } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { Failed } from "./failed.tsx";
import type { Loading } from "./load.ts";

/** A part of a page that waits for its answer, tells why there is none, or shows it. */
export function LoadedPart<T>(props: {
  readonly of: Loading<T>;
  /** What is waited for, in words. */
  readonly name: string;
  readonly children: (value: T) => ReactNode;
}) {
  const { of, name, children } = props;
  const { loaded, again } = of;
  if (loaded.state === "loading") return <Waiting words={words.loading(name)} rows={2} />;
  if (loaded.state === "failed") return <Failed failure={loaded.failure} again={again} />;
  return children(loaded.value);
}
