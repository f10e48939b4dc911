import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { parseKmsConfig, writeKmsConfig, type KmsConfig } from "#keys/kms/config.ts";
import { readPrivateFile, syncFolder, writePrivateFile } from "#keys/private-file.ts";
import { ringFileLimits } from "#keys/ring-file.ts";
import type { MoveRecord } from "#keys/ring-keeper.ts";
import { bytesOf, exactObject, jsonOf } from "#keys/shape.ts";

export interface MovePaths {
  readonly ring: string;
  readonly config: string;
  /** Lies there only while a move is under way, or was cut off. */
  readonly move: string;
}

export function movePaths(folder: string): MovePaths {
  return {
    ring: join(folder, "key-ring.json"),
    config: join(folder, "kms.json"),
    move: join(folder, "kms-move.json"),
  };
}

const moveBytesMax = 16_384;
const hashBytes = 32;

/**
 * The ring file and the choice of its KMS are two files, and no crash may leave them of two kinds.
 * A third one says which ring the new choice belongs to; the ring file alone decides at the next
 * start whether the move happened.
 */
export function moveRecord(paths: MovePaths, config: KmsConfig): MoveRecord {
  return {
    begin: (ringText) =>
      writePrivateFile(
        paths.move,
        `${JSON.stringify({ config, ring: hashOf(ringText).toString("base64url") })}\n`,
      ),
    end: () => finish(paths, config),
  };
}

/** Ends or forgets a move that was cut off. Fails with "key-ring-refused" when that cannot be told. */
export async function settleMove(paths: MovePaths): Promise<Result<null>> {
  const file = await readPrivateFile(paths.move, moveBytesMax);
  if (file.found === "nothing") return ok(null);
  const move = file.found === "text" ? parseMove(file.text) : null;
  if (move === null)
    return refuse("key-ring-refused", {
      detail: "the record of a move of the KMS is not readable",
    });
  const ring = await readPrivateFile(paths.ring, ringFileLimits.bytes);
  const moved = ring.found === "text" && hashOf(ring.text).equals(move.ring);
  if (moved) await finish(paths, move.config);
  else await forget(paths);
  return ok(null);
}

async function finish(paths: MovePaths, config: KmsConfig): Promise<void> {
  await writeKmsConfig(paths.config, config);
  await forget(paths);
}

async function forget({ move }: MovePaths): Promise<void> {
  await rm(move, { force: true });
  await syncFolder(dirname(move));
}

function parseMove(text: string): { readonly config: KmsConfig; readonly ring: Buffer } | null {
  const file = exactObject(jsonOf(text), ["config", "ring"]);
  const config = file && parseKmsConfig(file.config);
  const ring = file && bytesOf(file.ring, hashBytes);
  return config === null || ring === null ? null : { config, ring };
}

const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();
