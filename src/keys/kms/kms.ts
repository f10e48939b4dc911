import type { Result } from "#core/result.ts";

/**
 * Where the root key lives: a sealed file, a chip, a hardware module, a cloud's key service. The
 * root key itself never leaves it; it only wraps the key-encryption keys of the ring.
 */
export interface Kms {
  /** Stands in the ring file, so that a ring is never tried under another kind of root. */
  readonly name: string;
  /** `context` is authenticated, not hidden: unwrapping needs the same one. */
  wrap(kek: Buffer, context: string): Promise<Result<Buffer>>;
  /**
   * Fails with "root-key-refused" when this root key did not wrap it under this context, and with
   * "key-unavailable" when the KMS does not answer. The caller overwrites the key after use.
   */
  unwrap(wrapped: Buffer, context: string): Promise<Result<Buffer>>;
  /** One line for an operator: where the root key lies and what holds it. No secrets. */
  describe(): string;
  /** Ends sessions and connections; nothing may be asked afterwards. */
  close(): Promise<void>;
}
