import type { Asked, Lasting } from "./worker-events.ts";

/**
 * The service worker. It keeps one page for a time without a connection, with its scripts and styles,
 * and nothing else: what a page asks for otherwise, records above all, it neither answers nor stores.
 */
const cacheName = "phylax-shell";
const page = "/offline.html";
const kept: readonly string[] = [page, "/favicon.svg", ...offlineAssets];

async function keptFile(path: string): Promise<Response> {
  const cache = await caches.open(cacheName);
  return (await cache.match(path)) ?? Response.error();
}

async function keepFiles(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll([...kept]);
  await skipWaiting();
}

/** Files of an older build. */
async function dropOthers(): Promise<void> {
  const cache = await caches.open(cacheName);
  const others = (await cache.keys()).filter(({ url }) => !kept.includes(new URL(url).pathname));
  await Promise.all(others.map((request) => cache.delete(request)));
}

addEventListener("install", (event: Lasting) => event.waitUntil(keepFiles()));
addEventListener("activate", (event: Lasting) => event.waitUntil(dropOthers()));

addEventListener("fetch", (event: Asked) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const path = request.mode === "navigate" ? page : pathname;
  if (!kept.includes(path)) return;
  event.respondWith(fetch(request).catch(() => keptFile(path)));
});
