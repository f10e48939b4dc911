import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A SMART app of two pages, as its makers would serve it: fhirclient as it is published, and nothing else. */
export interface ServedApp {
  readonly origin: string;
  close(): Promise<void>;
}

export interface AppSettings {
  readonly clientId: string;
  readonly scope: string;
}

const library = createRequire(import.meta.url).resolve("fhirclient/build/fhir-client.min.js");

const page = (script: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Growth chart</title>
<h1>Growth chart</h1><p id="out">…</p>
<script src="/fhir-client.js"></script>
<script>${script}</script></html>`;

const launchScript = ({ clientId, scope }: AppSettings): string =>
  `FHIR.oauth2.authorize({ clientId: ${JSON.stringify(clientId)}, scope: ${JSON.stringify(scope)},
    redirectUri: location.origin + "/back" })
    .catch((error) => { document.getElementById("out").textContent = "failed: " + error.message; });`;

const backScript = `const out = document.getElementById("out");
  FHIR.oauth2.ready().then(async (client) => {
    window.client = client;
    const patient = await client.patient.read();
    const found = await client.request("Observation?patient=" + client.patient.id + "&_count=1");
    out.textContent = "read " + patient.id + " of " + client.patient.id + " as " +
      client.user.fhirUser + ", " + found.total + " observations";
  }).catch((error) => { out.textContent = "failed: " + error.message; });`;

/**
 * Serves the app on an origin of its own, under the certificate for localhost that the deployment in
 * `home` has made, so that the same browser trusts both. `settings` is asked at each launch.
 */
export async function serveSmartApp(home: string, settings: () => AppSettings): Promise<ServedApp> {
  const { cert, key } = JSON.parse(
    readFileSync(join(home, "certificates", "public.json"), "utf8"),
  ) as { readonly cert: string; readonly key: string };
  const script = readFileSync(library);
  const server = createServer({ cert, key }, (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path === "/fhir-client.js") {
      response.setHeader("content-type", "text/javascript");
      response.end(script);
      return;
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(page(path === "/launch" ? launchScript(settings()) : backScript));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  return {
    origin: `https://localhost:${bound.port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
