import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const offlinePage = "offline.html";

type Chunk = {
  readonly type: string;
  readonly imports?: readonly string[];
  readonly facadeModuleId?: string | null;
};

/** What the page for a time without a connection is made of: its scripts and the styles. */
function offlineFiles(bundle: Readonly<Record<string, Chunk>>): readonly string[] {
  const found = new Set(Object.keys(bundle).filter((name) => name.endsWith(".css")));
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const imported of bundle[name]?.imports ?? []) add(imported);
  };
  for (const [name, { facadeModuleId }] of Object.entries(bundle))
    if (facadeModuleId?.endsWith(offlinePage) === true) add(name);
  return [...found].map((name) => `/${name}`).toSorted();
}

/** Tells the service worker the names of those files, which nobody knows before they are built. */
const nameOfflineFiles: Plugin = {
  name: "name-offline-files",
  writeBundle: ({ dir = "" }, bundle) => {
    const files = offlineFiles(bundle);
    if (files.length < 2) throw new Error("the offline page has no script or no style");
    const worker = join(dir, "worker.js");
    const told = readFileSync(worker, "utf8").replace("offlineAssets", JSON.stringify(files));
    writeFileSync(worker, told);
  },
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react(), nameOfflineFiles],
  build: {
    target: "es2023",
    // The policy of the pages forbids data: addresses for scripts and styles.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: {
        index: fileURLToPath(new URL("index.html", import.meta.url)),
        offline: fileURLToPath(new URL(offlinePage, import.meta.url)),
        worker: fileURLToPath(new URL("src/offline/worker.ts", import.meta.url)),
      },
      output: {
        // A service worker reaches what lies beside and below it, and is looked for under one name.
        entryFileNames: ({ name }) => (name === "worker" ? "worker.js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
