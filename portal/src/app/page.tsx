import { useEffect, useRef, type ReactNode } from "react";
import { NavigationType, useNavigationType } from "react-router";
import { words } from "../words/en.ts";
import { useApp } from "./context.ts";

/**
 * A page: names the window, and takes the focus to its heading, so that someone who hears the page
 * is told that it is a new one. The very first page leaves the focus where the browser put it.
 */
export function Page(props: {
  readonly title: string;
  /** The heading, when it says more than the title. */
  readonly heading?: string;
  readonly lead?: ReactNode;
  readonly aside?: ReactNode;
  readonly children?: ReactNode;
}) {
  const { title, heading = title, lead, aside, children } = props;
  const headingRef = useArrival<HTMLHeadingElement>(title);
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1 ref={headingRef} tabIndex={-1}>
            {heading}
          </h1>
          {lead === undefined ? null : <p className="lead">{lead}</p>}
        </div>
        {aside}
      </header>
      {children}
    </div>
  );
}

/** Names the window by `title`; gives the ref of what takes the focus when that changes. */
export function useArrival<T extends HTMLElement>(title: string) {
  const { visited } = useApp();
  const cameBy = useNavigationType();
  const target = useRef<T>(null);
  useEffect(() => {
    document.title = words.titleOf(title);
    if (visited.first) target.current?.focus({ preventScroll: true });
    // Going back, the browser itself puts the page where it was.
    if (visited.first && cameBy === NavigationType.Push) scrollTo(0, 0);
    visited.first = true;
  }, [title, visited, cameBy]);
  return target;
}
