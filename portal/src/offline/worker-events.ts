/** W3C Service Workers §4.4: what the browser library of types does not tell a page about. */
export interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

/** W3C Service Workers §4.6. */
export interface Asked extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

declare global {
  interface WindowEventMap {
    install: Lasting;
    activate: Lasting;
    fetch: Asked;
  }
  /** W3C Service Workers §4.1.4. */
  function skipWaiting(): Promise<void>;
  /** Paths of what the offline page is made of; put in place when the portal is built. */
  const offlineAssets: readonly string[];
}
