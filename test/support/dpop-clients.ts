import { createRequire } from "node:module";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Client as KitClient } from "fhir-kit-client";
import type { SignedIn } from "./client.ts";

/** Public FHIR clients as they are published, with the one thing that each leaves to its user: how a request is authorised. */

/** Lets every client in this process trust the deployment's authority, as an operator's machine does. */
export function trust(authority: string): void {
  setDefaultCACertificates([...getCACertificates("default"), authority]);
}

const headersFor = ({ token, key }: SignedIn, method: string, url: string) => ({
  authorization: `DPoP ${token}`,
  dpop: key.proof(method, url, token),
});

/** fhir-kit-client, which hands each request to a signer before it is sent. */
export function kitClient(baseUrl: string, signedIn: SignedIn): KitClient {
  return new KitClient({
    baseUrl,
    requestSigner: (url, options) => {
      const headers = new Headers(options.headers);
      const signed = headersFor(signedIn, options.method ?? "GET", url);
      for (const [name, value] of Object.entries(signed)) headers.set(name, value);
      options.headers = headers;
    },
  });
}

interface SmartOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface SmartRequest extends SmartOptions {
  readonly url: string;
  readonly body?: string;
}

interface SmartReading {
  readonly pageLimit?: number;
  readonly flat?: boolean;
  readonly graph?: boolean;
  readonly resolveReferences?: string | readonly string[];
}

export interface SmartResource {
  readonly resourceType: string;
  readonly id?: string;
  readonly [name: string]: unknown;
}

/** The part of fhirclient's Client that is used here; its own types would bring a browser's into every file. */
export interface SmartClient {
  readonly fhirBaseUrl: string;
  request(asked: string | SmartRequest, reading?: SmartReading): Promise<unknown>;
  fhirRequest(uri: string, options?: SmartOptions): Promise<unknown>;
  create(resource: SmartResource): Promise<SmartResource>;
  update(resource: SmartResource): Promise<SmartResource>;
  delete(path: string): Promise<unknown>;
  patch(path: string, operations: readonly object[]): Promise<SmartResource>;
  pages(path: string): AsyncIterable<SmartResource>;
  getFhirRelease(): Promise<number>;
}

interface SmartModules {
  readonly Client: new (environment: object, state: object) => SmartClient;
  readonly Adapter: new (options: object) => object;
}

function smartModules(): SmartModules {
  const load = createRequire(import.meta.url);
  const client = load("fhirclient/lib/Client.js") as { default: SmartModules["Client"] };
  const adapter = load("fhirclient/lib/adapters/NodeAdapter.js") as {
    default: SmartModules["Adapter"];
  };
  return { Client: client.default, Adapter: adapter.default };
}

/** fhirclient, whose requests all go through methods that a subclass may replace. */
export function smartClient(serverUrl: string, signedIn: SignedIn): SmartClient {
  const { Client, Adapter } = smartModules();

  const signed = (url: string, options: SmartOptions = {}): SmartOptions => {
    const absolute = /^https?:/.test(url) ? url : `${serverUrl}/${url.replace(/^\//, "")}`;
    const headers = headersFor(signedIn, options.method ?? "GET", absolute);
    return { ...options, headers: { ...options.headers, ...headers } };
  };

  class BoundClient extends Client {
    override fhirRequest(uri: string, options?: SmartOptions): Promise<unknown> {
      return super.fhirRequest(uri, signed(uri, options));
    }

    override request(asked: string | SmartRequest, reading?: SmartReading): Promise<unknown> {
      const wanted = typeof asked === "string" ? { url: asked } : asked;
      return super.request({ ...wanted, ...signed(wanted.url, wanted) }, reading);
    }
  }

  return new BoundClient(new Adapter({}), { serverUrl });
}
