import { readFile } from "node:fs/promises";
import type { Dispatcher } from "undici";
import { ok, type Result } from "#core/result.ts";
import { askJson, textAt } from "#keys/kms/ask.ts";
import { refusedRoot, unavailable } from "#keys/kms/failures.ts";
import { absolutePath, flag, oneOf, origin, parseShape, text } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { KmsTools } from "#keys/kms/tools.ts";
import { readPrivateFile } from "#keys/private-file.ts";

/** The transit engine of HashiCorp Vault or OpenBao; the key must be of an AEAD type. */
export interface VaultConfig {
  readonly kind: "vault";
  readonly address: string;
  readonly key: string;
  /** Holds the token, of mode 0600; read at each call, so that an agent may renew it. */
  readonly tokenFile: string;
  /** Where the engine is mounted; null: `transit`. */
  readonly mount: string | null;
  readonly namespace: string | null;
  /** PEM file of the authorities that prove the server; null: those that Node.js brings. */
  readonly authorities: string | null;
  /** Whether the key was made with `derived=true`: its context is ours then, too. */
  readonly derived: boolean | null;
}

const who = "Vault";
const tokenBytesMax = 4_096;
const wrappedBytesMax = 1_024;
const segment = text(/^\w[\w.-]{0,127}$/);
const segments = text(/^\w[\w.-]{0,127}(?:\/\w[\w.-]{0,127}){0,7}$/);
const ciphertext = /^vault:v[0-9]{1,9}:[A-Za-z0-9+/]+={0,2}$/;

/** Null when the value is not this kind's choice. */
export function parseVaultConfig(value: unknown): VaultConfig | null {
  return parseShape(value, {
    needs: { kind: oneOf("vault"), address: origin, key: segment, tokenFile: absolutePath },
    may: { mount: segments, namespace: segments, authorities: absolutePath, derived: flag },
  });
}

/** Fails with "key-unavailable" when the authorities or the token cannot be read. */
export async function openVaultKms(config: VaultConfig, tools: KmsTools): Promise<Result<Kms>> {
  const authorities = await authoritiesOf(config);
  if (!authorities.ok) return authorities;
  const dispatcher = tools.connect(authorities.value);
  return ok({
    name: "vault",
    wrap: (kek, context) => wrap(config, dispatcher, { kek, context }),
    unwrap: (wrapped, context) => unwrap(config, dispatcher, { wrapped, context }),
    describe: () => `key "${config.key}" of Vault's transit engine at ${config.address}`,
    close: () => dispatcher.close(),
  });
}

async function authoritiesOf({ authorities }: VaultConfig): Promise<Result<string | null>> {
  if (authorities === null) return ok(null);
  try {
    return ok(await readFile(authorities, "utf8"));
  } catch {
    return unavailable(`the authorities of ${who} in ${authorities} cannot be read`);
  }
}

async function wrap(
  config: VaultConfig,
  dispatcher: Dispatcher,
  { kek, context }: { kek: Buffer; context: string },
): Promise<Result<Buffer>> {
  const body = { plaintext: kek.toString("base64"), ...bound(config, context) };
  const answer = await call(config, dispatcher, "encrypt", body);
  if (!answer.ok) return answer;
  const { status } = answer.value;
  if (status !== 200) return unavailable(`${who} does not wrap (HTTP ${status})`);
  const sealed = textAt(answer.value.body, "data", "ciphertext");
  return sealed !== null && ciphertext.test(sealed) && sealed.length <= wrappedBytesMax
    ? ok(Buffer.from(sealed, "ascii"))
    : unavailable(`${who} answered something else than a wrapped key`);
}

async function unwrap(
  config: VaultConfig,
  dispatcher: Dispatcher,
  { wrapped, context }: { wrapped: Buffer; context: string },
): Promise<Result<Buffer>> {
  const sealed = wrapped.toString("ascii");
  if (!ciphertext.test(sealed)) return refusedRoot("this is no key that Vault wrapped");
  const body = { ciphertext: sealed, ...bound(config, context) };
  const answer = await call(config, dispatcher, "decrypt", body);
  if (!answer.ok) return answer;
  const { status } = answer.value;
  if (status === 400 && isForeign(answer.value.body))
    return refusedRoot("this root key did not wrap it");
  if (status !== 200) return unavailable(`${who} does not unwrap (HTTP ${status})`);
  const plain = textAt(answer.value.body, "data", "plaintext");
  return plain === null
    ? unavailable(`${who} answered something else than a key`)
    : ok(Buffer.from(plain, "base64"));
}

/** AES-GCM's associated data, and the context of key derivation where the key is a derived one. */
function bound({ derived }: VaultConfig, context: string): Record<string, string> {
  const encoded = Buffer.from(context).toString("base64");
  return { associated_data: encoded, ...(derived === true ? { context: encoded } : {}) };
}

/** What Vault says, with status 400 as for all else, of a ciphertext or context that does not fit. */
function isForeign(body: unknown): boolean {
  const said = JSON.stringify(body ?? null);
  return /message authentication failed|invalid ciphertext/.test(said);
}

async function call(
  { address, mount, key, namespace, tokenFile }: VaultConfig,
  dispatcher: Dispatcher,
  work: "encrypt" | "decrypt",
  body: Record<string, string>,
): Promise<Result<{ status: number; body: unknown }>> {
  const token = await readPrivateFile(tokenFile, tokenBytesMax);
  if (token.found !== "text") {
    const why = token.found === "nothing" ? "not there" : token.why;
    return unavailable(`the token of ${who} in ${tokenFile}: ${why}`);
  }
  const answer = await askJson(dispatcher, who, {
    url: new URL(`/v1/${mount ?? "transit"}/${work}/${key}`, address),
    headers: {
      "x-vault-token": token.text.trim(),
      "x-vault-request": "true",
      ...(namespace === null ? {} : { "x-vault-namespace": namespace }),
    },
    body,
  });
  if (!answer.ok) return answer;
  // Before anything else is read from them: these say that nothing was tried.
  if (answer.value.status === 403) return unavailable(`${who} refuses our token, or it has ended`);
  if (answer.value.status === 503) return unavailable(`${who} is sealed or in maintenance`);
  return answer;
}
