import assert from "node:assert/strict";
import { hash, X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { request as httpsRequest } from "node:https";
import { suite, test, type TestContext } from "node:test";
import { clientFactHeaders } from "#core/client-facts.ts";
import type { TlsIdentity } from "#core/net.ts";
import { testAuthority, testGateway, testHost, type TestGateway } from "./testing.ts";

interface Shown {
  readonly to: TestGateway;
  /** Headers that records got, newest last. */
  readonly got: IncomingHttpHeaders[];
  readonly device: TlsIdentity;
}

/** A gateway that asks for certificates of the devices' authority. */
async function asking(t: TestContext): Promise<Shown> {
  const got: IncomingHttpHeaders[] = [];
  const records: RequestListener = (request, response) => {
    got.push(request.headers);
    response.writeHead(200).end();
  };
  const [server, devices] = await Promise.all([testAuthority(), testAuthority()]);
  const own = await server(testHost);
  const device = await devices("device");
  const tls = { key: own.key, cert: own.cert, deviceCa: device.ca };
  const to = await testGateway(t, { records, deps: { tls } });
  return { to: { ...to, ca: own.ca }, got, device };
}

function ask(
  to: TestGateway,
  headers: Readonly<Record<string, string>>,
  own: Partial<Pick<TlsIdentity, "key" | "cert">> = {},
): Promise<number> {
  const { key, cert } = own;
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: "127.0.0.1",
        port: to.port,
        servername: to.host,
        ca: to.ca,
        agent: false,
        path: "/fhir/metadata",
        headers: { host: to.host, ...headers },
        ...(key === undefined ? {} : { key }),
        ...(cert === undefined ? {} : { cert }),
      },
      (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 0));
      },
    );
    sent.once("error", reject);
    sent.end();
  });
}

const header = clientFactHeaders.certificate;
const forged = { [header]: "F".repeat(43) };

suite("a client certificate", () => {
  test("of the devices' authority is told to those behind by its thumbprint, whatever was sent", async (t) => {
    const { to, got, device } = await asking(t);
    const { raw } = new X509Certificate(device.cert);
    assert.equal(await ask(to, {}, device), 200);
    assert.equal(await ask(to, forged, device), 200);
    const thumbprint = hash("sha256", raw, "base64url");
    assert.deepEqual(
      got.map((headers) => headers[header]),
      [thumbprint, thumbprint],
    );
  });

  test("is not needed, and a header from outside never stands for one", async (t) => {
    const { to, got } = await asking(t);
    assert.equal(await ask(to, {}), 200);
    assert.equal(await ask(to, forged), 200);
    assert.equal(await ask(to, { "client-cert": ":AAAA:" }), 200);
    assert.deepEqual(
      got.map((headers) => [headers[header], headers["client-cert"]]),
      [
        [undefined, undefined],
        [undefined, undefined],
        [undefined, undefined],
      ],
    );
  });

  test("of any other authority counts for nothing", async (t) => {
    const { to, got } = await asking(t);
    const stranger = await (await testAuthority())("device");
    assert.equal(await ask(to, {}, stranger), 200);
    assert.equal(got[0]?.[header], undefined);
  });
});
