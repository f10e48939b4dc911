import type { Asked, Lasting } from "./worker-events.ts";

/**
 * The service worker. It keeps one page that says there is no connection, and nothing else: what a
 * page asks for otherwise, records above all, it neither answers nor stores.
 */
const cacheName = "phylax-shell";
const page = "/offline.html";
const kept: readonly string[] = [page, "/offline.css", "/favicon.svg"];

async function keptFile(path: string): Promise<Response> {
  const cache = await caches.open(cacheName);
  return (await cache.match(path)) ?? Response.error();
}

addEventListener("install", (event: Lasting) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll([...kept])));
});

addEventListener("fetch", (event: Asked) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const path = request.mode === "navigate" ? page : pathname;
  if (!kept.includes(path)) return;
  event.respondWith(fetch(request).catch(() => keptFile(path)));
});
