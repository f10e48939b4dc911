import { useSyncExternalStore, type ReactNode } from "react";
import { Link } from "react-router";
import { Icon } from "../design/icon.tsx";
import { Mark } from "../design/mark.tsx";
import { words } from "../words/en.ts";

/** The page around every page: a way past the menu, the product's name, the main part. */
export function Frame({
  children,
  top,
  start = "/",
}: {
  readonly children: ReactNode;
  /** The menu of those who are signed in. */
  readonly top?: ReactNode;
  /** Where the product's name leads. */
  readonly start?: "/" | "/home";
}) {
  return (
    <div className="frame">
      <a className="skip" href="#main" onClick={focusMain}>
        {words.skip}
      </a>
      <header className="top">
        <div className="top-inner">
          <Link className="brand" to={start}>
            <Mark />
            <span>{words.product}</span>
          </Link>
          {top}
        </div>
      </header>
      <Offline />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

// The address keeps no fragment: a sign-up link's is taken away, and the pages go by paths alone.
function focusMain(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.querySelector("main")?.focus();
}

function Offline() {
  const isOnline = useSyncExternalStore(
    (listener) => {
      addEventListener("online", listener);
      addEventListener("offline", listener);
      return () => {
        removeEventListener("online", listener);
        removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
  return (
    <div role="status" className="offline-place">
      {isOnline ? null : (
        <p className="offline">
          <Icon name="offline" />
          {words.offlineBanner}
        </p>
      )}
    </div>
  );
}
