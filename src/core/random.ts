import { randomBytes, randomUUID } from "node:crypto";

/** Handed to whatever needs chance. Only the system's own may make keys, nonces or tokens. */
export interface Random {
  bytes(count: number): Buffer;
  /** Version 4 uuid in lower case. */
  uuid(): string;
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID(),
};
