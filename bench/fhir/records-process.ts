import { createServer } from "node:http";
import type { Connection } from "#storage/connection.ts";
import { testWorld, type TestPerson, type TestWorld } from "#records/testing.ts";
import type { Vault } from "#vault/vault.ts";

/** A records process of the bench's own, so that its memory and its processor are its alone. */
export interface Setup {
  readonly kind: "setup";
  readonly socketPath: string;
  /** Rows without a seal: what sealing costs is measured against it. No product can be told so. */
  readonly plain: boolean;
  readonly practitioner: string;
}

export type Told = Setup | { readonly kind: "token" | "memory" | "stop" };

export type Tells =
  | {
      readonly kind: "ready";
      readonly tenant: string;
      readonly connection: Connection;
      readonly admin: Connection;
      /** The clinician's proof key, as a JWK. */
      readonly key: Readonly<Record<string, unknown>>;
      readonly publicJwk: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "memory"; readonly rssBytes: number; readonly peakBytes: number };

const fnvOffset = 0xcbf29ce484222325n;
const fnvPrime = 0x100000001b3n;

/** FNV-1a: what an index of plain values would cost to make. */
function plainToken(label: string): bigint {
  let hash = fnvOffset;
  for (let at = 0; at < label.length; at += 1)
    hash = BigInt.asUintN(63, (hash ^ BigInt(label.charCodeAt(at))) * fnvPrime);
  return hash;
}

/** The same vault, which neither seals nor opens. */
const withoutSeals = (vault: Vault): Vault => ({
  ...vault,
  seal: (_key, _place, text) => text,
  open: (_key, _place, text) => text,
  token: (_key, label) => plainToken(label),
});

const lasts: (() => unknown)[] = [];

function tell(message: Tells): void {
  process.send?.(message);
}

interface Opened {
  readonly world: TestWorld;
  readonly doctor: TestPerson;
}

async function open({ socketPath, plain, practitioner }: Setup): Promise<Opened> {
  // Benches have no test to end with; what is to be undone is undone at the stop.
  const t = { after: (last: () => unknown) => void lasts.unshift(last) } as unknown as Parameters<
    typeof testWorld
  >[0];
  const world = await testWorld(t, plain ? { vault: withoutSeals } : {});
  const doctor = await world.person({
    roles: ["clinician"],
    practitioner,
    scope: "openid user/*.cruds",
  });
  const server = createServer({ keepAliveTimeout: 600_000 }, world.records.handler);
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  lasts.unshift(() => server.closeAllConnections());
  return { world, doctor };
}

let opened: Opened | null = null;

async function obey(told: Told): Promise<void> {
  switch (told.kind) {
    case "setup": {
      opened = await open(told);
      const { world, doctor } = opened;
      tell({
        kind: "ready",
        tenant: world.database.tenant,
        connection: world.database.connection("phylax_records"),
        admin: world.database.admin,
        key: { ...doctor.key.privateKey.export({ format: "jwk" }) },
        publicJwk: doctor.key.jwk,
      });
      return;
    }
    case "token":
      tell({ kind: "token", token: opened?.doctor.token() ?? "" });
      return;
    case "memory":
      tell({
        kind: "memory",
        rssBytes: process.memoryUsage.rss(),
        peakBytes: process.resourceUsage().maxRSS * 1_024,
      });
      return;
    case "stop":
      for (const last of lasts) await last();
      process.exit(0);
  }
}

process.on("message", (told: Told) => void obey(told));
process.on("disconnect", () => process.exit(0));
