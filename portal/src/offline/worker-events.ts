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
    fetch: Asked;
  }
}
