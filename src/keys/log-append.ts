import { constants } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "#keys/private-file.ts";

/** One file that only grows. Every call throws what the file system throws. */
export interface AppendFile {
  /**
   * Adds bytes at `at`, which must be the file's end, and makes them last through a power cut.
   * Throws also when the file has no name any more: what is added to it would go with this process.
   */
  append(bytes: Buffer, at: number): Promise<void>;
  /** Cuts the file back to so many bytes, durably; throws when it has fewer. */
  cutTo(size: number): Promise<void>;
  close(): Promise<void>;
}

/** How the log reaches the disk; another one in tests of full and failing disks. */
export interface AppendFiles {
  /** Opens the file, or makes an empty one of mode 0600. */
  open(path: string): Promise<AppendFile>;
  /** Gives a file its last name; the next `open` in that folder makes it last. */
  rename(from: string, to: string): Promise<void>;
}

export const systemAppendFiles: AppendFiles = {
  open: async (path) => {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = await open(path, flags, 0o600);
    await syncFolder(dirname(path));
    return {
      append: async (bytes, at) => {
        if ((await file.stat()).nlink === 0) throw new Error("the log's file was removed");
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
          done += bytesWritten;
        }
        await file.datasync();
      },
      cutTo: async (size) => {
        if ((await file.stat()).size < size) throw new Error("the log's file was cut");
        await file.truncate(size);
        await file.datasync();
      },
      close: () => file.close(),
    };
  },
  rename,
};
