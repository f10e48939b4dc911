import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { parsePseudonym, type Pseudonym, type TenantId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";

/** Whose records a key seals: one patient's, or the organisation's own. */
export type Compartment = Pseudonym | "organisation";

/** Null when the text names neither a patient nor the organisation. */
export function parseCompartment(text: string): Compartment | null {
  return text === "organisation" ? text : parsePseudonym(text);
}

const material: unique symbol = Symbol("key material");

/** A data key in use. Its bytes cannot be had of it; only this part can work with them. */
export interface DataKey {
  readonly compartment: Compartment;
  readonly dekVersion: number;
  readonly kekEpoch: number;
  readonly [material]: KeyMaterial;
}

/** What is drawn from one data key; each use has a key of its own (RFC 5869 §3.2). */
export interface KeyMaterial {
  readonly sealing: KeyObject;
  /** Tokens of search labels. */
  index(): KeyObject;
  /** MACs of unsealed content. */
  content(): KeyObject;
  /** Pseudonyms of patients; of use with the organisation's key only. */
  pseudonym(): KeyObject;
  /** Tokens of one blind index across patients; of use with the organisation's key only. */
  blind(purpose: string): KeyObject;
  /** The beginning of the AAD of all records under this key. */
  readonly aadPrefix: Buffer;
  /** Seals made with it: those that were durable when it was loaded, and all that followed here. */
  seals: number;
}

export interface DataKeyFacts {
  readonly tenant: TenantId;
  readonly compartment: Compartment;
  readonly dekVersion: number;
  readonly kekEpoch: number;
  /** Seals made with it that were durable when it was loaded. */
  readonly seals: number;
}

const keyBytes = 32;

/** Takes the 32 bytes into OpenSSL's keeping, which clears them when dropped, and overwrites them here. */
export function takeDataKey(bytes: Buffer, facts: DataKeyFacts): DataKey {
  invariant(bytes.length === keyBytes, "a data key has 32 bytes");
  const { tenant, compartment, dekVersion, kekEpoch, seals } = facts;
  const dek = createSecretKey(bytes);
  bytes.fill(0);
  return {
    compartment,
    dekVersion,
    kekEpoch,
    [material]: {
      sealing: deriveKey(dek, "phylax record sealing v1"),
      index: lazily(() => deriveKey(dek, "phylax record index v1")),
      content: lazily(() => deriveKey(dek, "phylax record content v1")),
      pseudonym: lazily(() => deriveKey(dek, "phylax pseudonym v1")),
      blind: (purpose) => deriveKey(dek, purpose),
      aadPrefix: encodeFields(["phylax record v1", tenant, compartment, String(dekVersion)]),
      seals,
    },
  };
}

export const materialOf = (key: DataKey): KeyMaterial => key[material];

/** HKDF-SHA-256 (RFC 5869) without salt: the input is already a uniform key. */
function deriveKey(from: KeyObject, purpose: string): KeyObject {
  const bytes = Buffer.from(hkdfSync("sha256", from, "", purpose, keyBytes));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function lazily<T>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}
